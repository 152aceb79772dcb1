-- What the claims lab's traces and crash reports show: waits in map functions, bursts of allocation, assists, pauses.
-- grain: build_id, claim_id, figure
-- scope: build
-- DuckDB's own: list_filter with lambdas over a stack's functions.
with

captures as (
    select * from int_claim_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

ranges as (
    select * from stg_trace_ranges
),

metrics as (
    select * from stg_trace_metrics
),

logs as (
    select * from stg_trace_logs
),

dumped as (
    select * from stg_goroutine_dump
),

stacks as (
    select * from stg_stacks
),

stays as (
    select captures.capture_id, intervals.state, intervals.reason, intervals.duration_ns, intervals.stack_id,
    from intervals
    inner join captures using (capture_id)
    where captures.claim_id = 'trace-spin'
        and intervals.state in ('runnable', 'waiting')
),

assists as (
    select captures.capture_id, ranges.stack_id,
    from ranges
    inner join captures using (capture_id)
    where captures.claim_id = 'grow-allocates'
        and ranges.name = 'GC mark assist'
),

dumps as (
    select captures.build_id, captures.capture_id, captures.crash, dumped.stack_id,
    from dumped
    inner join captures using (capture_id)
),

frames as (
    select
        stack_id,
        contains(any_value(functions), 'main.unlocked') as in_unlocked,
        len(list_filter(any_value(functions), lambda f: regexp_matches(
            f, '^(runtime\.map(access|assign|delete)|internal/runtime/maps\.)'
        ))) > 0 as in_map,
        len(list_filter(any_value(functions), lambda f: starts_with(f, 'runtime.mapaccess'))) > 0 as in_map_read,
        contains(any_value(functions), 'runtime.hashGrow')
        and contains(any_value(functions), 'runtime.newarray')
        and contains(any_value(functions), 'runtime.mallocgc') as in_hash_grow,
        len(list_filter(any_value(functions), lambda f: regexp_matches(
            f, '^(runtime\.hashGrow|internal/runtime/maps\..*\.(grow.*|split|rehash))$'
        ))) > 0 as in_growth,
    from stacks
    where stack_id in (select stack_id from stays union select stack_id from assists union select stack_id from dumps)
    group by stack_id
),

-- A wait for the collector is no wait for the map.
spinning as (
    select
        captures.build_id,
        captures.capture_id,
        count(*) filter (where stays.state = 'runnable' and frames.in_map) * 1e9
        / any_value(captures.duration_ns) as map_yields,
        count(*) filter (where is_wait and frames.in_map) as map_waits,
        count(*) filter (where is_wait and frames.in_map_read and stays.duration_ns > 100000) as slow_reads,
        count(*) filter (where is_wait and stays.reason = 'sync' and not frames.in_map) as lock_waits,
    from captures
    inner join (
        select *, state = 'waiting' and not contains(coalesce(reason, ''), 'GC') as is_wait,
        from stays
    ) as stays using (capture_id)
    left join frames using (stack_id)
    group by captures.build_id, captures.capture_id
),

-- Each step makes as many assignments, or objects of a list, as any other.
steps as (
    select
        captures.build_id,
        captures.capture_id,
        logs.category,
        logs.message as step,
        logs.ts_ns as start_ns,
        lead(logs.ts_ns) over (partition by logs.capture_id, logs.category order by logs.ts_ns) as end_ns,
    from logs
    inner join captures using (capture_id)
    where captures.claim_id = 'trace-mallocgc'
        and logs.category in ('map', 'list')
),

heap as (
    select
        metrics.capture_id,
        metrics.ts_ns,
        metrics.value - lag(metrics.value) over (partition by metrics.capture_id order by metrics.ts_ns) as rise,
    from metrics
    inner join captures using (capture_id)
    where captures.claim_id = 'trace-mallocgc'
        and metrics.name = '/memory/classes/heap/objects:bytes'
),

rises as (
    select
        steps.build_id,
        steps.capture_id,
        steps.category,
        steps.step,
        coalesce(sum(heap.rise) filter (where heap.rise > 0), 0) as rise,
        row_number() over (
            partition by steps.capture_id, steps.category
            order by coalesce(sum(heap.rise) filter (where heap.rise > 0), 0) desc
        ) as place,
        count(*) over (partition by steps.capture_id, steps.category) as step_count,
    from steps
    left join heap
        on heap.capture_id = steps.capture_id
        and heap.ts_ns >= steps.start_ns
        and heap.ts_ns < steps.end_ns
    where steps.end_ns is not null
    group by steps.build_id, steps.capture_id, steps.category, steps.step
),

measured as (
    select spinning.build_id, 'trace-spin' as claim_id, unnested.figure, unnested.value, 'trace' as evidence,
    from (
        select build_id, unnest([
            {'figure': 'stops inside map functions per second', 'value': map_yields::double},
            {'figure': 'waits inside map functions', 'value': map_waits::double},
            {'figure': 'map reads blocked over 100 µs', 'value': slow_reads::double},
            {'figure': 'waits for the lock', 'value': lock_waits::double},
        ]) as unnested,
        from spinning
    ) as spinning
    union all
    select dumps.build_id, 'trace-spin', 'programs that went on without a lock',
        case when bool_or(starts_with(dumps.crash, 'fatal error: concurrent map')) then 0 else 1 end, 'goroutine_dump',
    from dumps
    inner join frames using (stack_id)
    where frames.in_unlocked
    group by dumps.build_id, dumps.capture_id
    union all
    select build_id, 'trace-mallocgc', category || ' share of the busiest tenth',
        sum(rise) filter (where place <= step_count / 10) / nullif(sum(rise), 0), 'trace',
    from rises
    group by build_id, capture_id, category
    union all
    select captures.build_id, 'grow-allocates', 'assists in hashGrow, newarray, mallocgc',
        count(*) filter (where frames.in_hash_grow), 'trace',
    from assists
    inner join captures using (capture_id)
    left join frames using (stack_id)
    group by captures.build_id, captures.capture_id
    union all
    select captures.build_id, 'grow-allocates', 'assists in growth', count(*) filter (where frames.in_growth), 'trace',
    from assists
    inner join captures using (capture_id)
    left join frames using (stack_id)
    group by captures.build_id, captures.capture_id
    union all
    select captures.build_id, 'ctx-map-cost', 'median GC pause sec', median(ranges.duration_ns) / 1e9, 'trace',
    from captures
    inner join ranges using (capture_id)
    where captures.claim_id = 'ctx-map-cost'
        and starts_with(ranges.name, 'stop-the-world (GC')
    group by captures.build_id, captures.capture_id
)

select
    build_id,
    claim_id,
    figure,
    median(value)::double as value,
    min(value)::double as low,
    max(value)::double as high,
    count(*) as sample_count,
    any_value(evidence) as evidence,
from measured
where value is not null
group by build_id, claim_id, figure
