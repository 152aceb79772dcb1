-- What each call path of a build cost, summed over its runs: enough for a flame graph of any build of a long history.
-- grain: build_id, metric, path_id, wait_reason
-- scope: build
-- metric is that of `value`, as block_ns or alloc_bytes; event_count has what is counted beside it: waits, objects,
-- contentions, samples. Of more than 2000 paths of a metric the cheaper ones are one row without a path.
with

captures as (
    select * from int_counted_captures
),

summed as (
    select * from int_summed_profiles
),

intervals as (
    select * from stg_goroutine_intervals
),

ranges as (
    select * from stg_trace_ranges
),

samples as (
    select * from stg_profile_samples
),

dumped as (
    select * from stg_goroutine_dump
),

sites as (
    select * from int_stack_sites
),

kinds as (
    select * from int_wait_kinds
),

stacks as (
    select * from stg_stacks
),

named as (
    select * from int_named_stacks
),

-- Of several dumps and goroutine profiles of a process the last counts, as everywhere.
last_dumps as (
    select arg_max(capture_id, (coalesce(captured_at, started_at), natural_order(path))) as capture_id,
    from captures
    where kind = 'goroutine_dump'
    group by build_id, run_id, process
),

sampled as (
    select captures.build_id, samples.stack_id, samples.value,
        case replace(captures.kind, '_text', '')
            when 'cpu' then case samples.sample_type when 'cpu' then 'cpu_ns' when 'samples' then 'cpu_ns' end
            when 'goroutine' then 'goroutine_profile_count'
            when 'goroutineleak' then 'goroutine_leak_count'
        end as metric,
        samples.sample_type = 'samples' as is_count,
    from samples
    inner join captures using (capture_id)
    where (replace(captures.kind, '_text', ''), samples.sample_type) in (
        ('cpu', 'cpu'), ('cpu', 'samples'), ('goroutine', 'goroutine'), ('goroutineleak', 'goroutineleak')
    )
    union all
    select summed.build_id, samples.stack_id, summed.sign * samples.value,
        if(summed.kind = 'heap', split_part(samples.sample_type, '_', 1) || '_bytes', summed.kind || '_delay_ns'),
        ends_with(samples.sample_type, '_objects') or samples.sample_type = 'contentions',
    from samples
    inner join summed
        on summed.summed_id = samples.capture_id
        and summed.sample_type = samples.sample_type
),

costs as (
    select captures.build_id, if(intervals.state = 'waiting', 'block_ns', 'syscall_ns') as metric,
        intervals.stack_id, intervals.reason, sum(intervals.duration_ns)::double as value, count(*) as event_count,
    from intervals
    inner join captures using (capture_id)
    where intervals.state in ('waiting', 'syscall')
    group by all
    union all by name
    select captures.build_id, 'function_assist_ns' as metric, ranges.stack_id,
        sum(ranges.duration_ns)::double as value, count(*) as event_count,
    from ranges
    inner join captures using (capture_id)
    where ranges.name = 'GC mark assist'
    group by all
    union all by name
    select build_id, metric, stack_id, coalesce(sum(value) filter (where not is_count), 0)::double as value,
        coalesce(sum(value) filter (where is_count), 0)::bigint as event_count,
    from sampled
    group by all
    having sum(value) > 0
    union all by name
    select captures.build_id, 'goroutine_count' as metric, dumped.stack_id, count(*)::double as value,
        count(*) as event_count,
    from dumped
    semi join last_dumps using (capture_id)
    inner join captures using (capture_id)
    group by all
),

-- A wait that began before the capture has no stack: it stands in no path.
placed as (
    select costs.*, sites.path_id, sites.function, coalesce(kinds.wait_reason, '') as wait_reason,
        case when costs.metric = 'block_delay_ns' then not sites.waits_for_work
            else coalesce(kinds.is_contention, false)
        end as is_contention,
    from costs
    left join sites
        on sites.build_id = costs.build_id
        and sites.stack_id = costs.stack_id
    left join kinds
        on kinds.build_id = costs.build_id
        and kinds.stack_id = costs.stack_id
        and kinds.reason = coalesce(costs.reason, 'unknown')
        and costs.metric = 'block_ns'
),

paths as (
    select build_id, metric, path_id, wait_reason,
        any_value(function) as function,
        bool_or(is_contention) as is_contention,
        arg_max(stack_id, (value, stack_id)) as stack_id,
        sum(value) as value,
        sum(event_count)::bigint as event_count,
    from placed
    group by build_id, metric, path_id, wait_reason
),

ranked as (
    select *,
        path_id is not null
            and row_number() over (partition by build_id, metric order by value desc, path_id, wait_reason) <= 2000
            as is_kept,
    from paths
),

kept as (
    select build_id, metric, path_id, wait_reason, function, is_contention, stack_id, value, event_count,
    from ranked
    where is_kept
    union all by name
    select build_id, metric, null as path_id, '' as wait_reason, null as function, false as is_contention,
        null as stack_id, sum(value) as value, sum(event_count)::bigint as event_count,
    from ranked
    where not is_kept
    group by build_id, metric
),

framed as (
    select null as build_id, stack_id, any_value(functions) as functions, any_value(files) as files,
        any_value(lines) as lines,
    from stacks
    where stack_id in (select stack_id from kept)
    group by stack_id
    union all
    select build_id, stack_id, functions, files, lines,
    from named
)

select
    kept.build_id,
    kept.metric,
    kept.path_id,
    kept.wait_reason,
    kept.function,
    kept.is_contention,
    framed.functions,
    framed.files,
    framed.lines,
    kept.value,
    kept.event_count,
from kept
left join named
    on named.build_id = kept.build_id
    and named.stack_id = kept.stack_id
left join framed
    on framed.stack_id = kept.stack_id
    and framed.build_id is not distinct from named.build_id
