-- What regressions are found in: each figure of each run, per unit of work where the run counts it.
-- grain: build_id, run_id, metric, subject
-- scope: history
-- A site that a run does not have gives no row: whether that means zero is for the detection to say, by what the
-- run's captures could have shown.
with

measures as (
    select * from int_run_measures
),

waits as (
    select * from int_function_waits
),

collections as (
    select * from int_trace_gc
),

allocations as (
    select * from mapassign_allocations
),

benchmarks as (
    select * from int_benchmark_runs
),

goroutines as (
    select * from int_goroutine_counts
),

cycles as (
    select * from stg_gc_cycles
),

captures as (
    select * from stg_captures
),

-- Every figure as (value, standard error from counting alone, unit before division).
wait_figures as (
    select build_id, run_id, 'trace' as measure, metric, function || ' (' || wait_reason || ')' as subject, function,
        wait_reason, value, standard_error, 'ns' as unit, is_contention::int as polarity,
        'trace' as evidence, metric <> 'wait_p99_ns' as is_sum,
    from (
        select *, 'block_ns' as metric, block_ns::double as value, sqrt(block_ns_variance) as standard_error,
        from waits
        union all
        select *, 'wait_p99_ns', p99_ns::double, null,
        from waits
    )
    union all
    select build_id, run_id, 'trace', 'block_count', function || ' (' || wait_reason || ')', function, wait_reason,
        block_count::double, sqrt(block_count), 'count', is_contention::int, 'trace', true,
    from waits
),

collection_figures as (
    select build_id, run_id, 'trace' as measure,
        case activity when 'mark_assist' then 'gc_assist_ns' else 'gc_pause_ns' end as metric,
        'program' as subject, null as function, null as wait_reason, sum(range_ns)::double as value,
        sqrt(sum(range_ns_variance)) as standard_error, 'ns' as unit, 1 as polarity, 'trace' as evidence,
        true as is_sum,
    from collections
    group by build_id, run_id, activity
),

allocated as (
    select
        build_id,
        run_id,
        case
            when callee_class in ('map_assign', 'map_grow') then 'mapassign'
            when callee_class = 'sync_map' then 'syncmap'
            else 'makemap'
        end as family,
        function,
        string_agg(distinct evidence, ', ' order by evidence) as evidence,
        sum(alloc_bytes)::double as alloc_bytes,
        sum(alloc_objects)::double as alloc_objects,
        sum(inuse_bytes)::double as inuse_bytes,
        sum(inuse_objects)::double as inuse_objects,
        sqrt(sum(alloc_bytes_variance)) as alloc_bytes_error,
        sqrt(sum(inuse_bytes_variance)) as inuse_bytes_error,
    from allocations
    where callee_class <> 'convert'
    group by build_id, run_id, family, function
),

allocation_figures as (
    select build_id, run_id, 'heap_alloc' as measure, family || '_alloc_bytes' as metric, function as subject,
        function, null as wait_reason, alloc_bytes as value, alloc_bytes_error as standard_error, 'bytes' as unit,
        1 as polarity, evidence, true as is_sum,
    from allocated
    where alloc_bytes > 0
    union all
    select build_id, run_id, 'heap_alloc', family || '_alloc_objects', function, function, null, alloc_objects, null,
        'count', 1, evidence, true,
    from allocated
    where alloc_objects > 0
    union all
    select build_id, run_id, 'heap_inuse', family || '_inuse_bytes', function, function, null, inuse_bytes,
        inuse_bytes_error, 'bytes', 1, evidence, true,
    from allocated
    where inuse_bytes > 0
    union all
    select build_id, run_id, 'heap_inuse', family || '_inuse_objects', function, function, null, inuse_objects, null,
        'count', 1, evidence, true,
    from allocated
    where inuse_objects > 0
),

-- What a package costs more, a site does: its sums are for looking, and not judged.
packaged as (
    select *, regexp_extract(split_part(function, '[', 1), '^(.*/)?[^./]+') as package,
    from (
        select * from wait_figures
        union all
        select * from allocation_figures
    )
    where polarity = 1
        and metric in ('block_ns', 'mapassign_alloc_bytes', 'mapassign_inuse_bytes')
        and coalesce(wait_reason, '') <> 'GC mark assist wait for work'
),

package_figures as (
    select build_id, run_id, measure, 'package_' || metric as metric, package as subject, null as function,
        null as wait_reason, sum(value) as value, sqrt(sum(standard_error * standard_error)) as standard_error, unit,
        1 as polarity, string_agg(distinct evidence, ', ' order by evidence) as evidence, true as is_sum,
    from packaged
    group by build_id, run_id, measure, packaged.metric, package, unit
),

goroutine_figures as (
    select build_id, run_id, measure, metric, function || coalesce(' (' || state || ')', '') as subject, function,
        state as wait_reason, goroutine_count::double as value, null as standard_error, 'count' as unit,
        1 as polarity, measure as evidence, false as is_sum,
    from goroutines
),

figures as (
    select * from wait_figures
    union all
    select * from collection_figures
    union all
    select * from allocation_figures
    union all
    select * from package_figures
    union all
    select * from goroutine_figures
),

normalised as (
    select
        figures.build_id,
        figures.run_id,
        figures.metric,
        figures.subject,
        figures.function,
        figures.wait_reason,
        case when figures.is_sum then figures.value / measures.divisor else figures.value end as value,
        case when figures.is_sum then figures.standard_error / measures.divisor end as standard_error,
        case
            when figures.is_sum and measures.per is not null then figures.unit || '/' || measures.per
            else figures.unit
        end as unit,
        figures.polarity,
        figures.measure,
        figures.evidence,
    from figures
    inner join measures using (build_id, run_id, measure)
),

-- Of a trace's time; and of a process's CPU time, as its last cycle says it of all.
share_figures as (
    select collection_figures.build_id, collection_figures.run_id,
        case collection_figures.metric when 'gc_assist_ns' then 'gc_assist_share' else 'gc_pause_share' end as metric,
        'program' as subject, null as function, null as wait_reason,
        collection_figures.value / measures.duration_ns as value, null as standard_error, 'share' as unit,
        1 as polarity, 'trace' as measure, 'trace' as evidence,
    from collection_figures
    inner join measures using (build_id, run_id, measure)
    union all
    select build_id, run_id, 'gc_cpu_share', 'program', null, null, avg(gc_cpu_percent) / 100, null, 'share', 1,
        'gctrace', 'gctrace',
    from (
        select captures.build_id, captures.run_id, captures.capture_id, cycles.process_index,
            arg_max(cycles.gc_cpu_percent, cycles.cycle) as gc_cpu_percent,
        from cycles
        inner join captures using (capture_id)
        group by all
    )
    group by build_id, run_id
),

-- A rate (B/s, ops/s) is better when it is higher; the known costs when they are lower; of another unit nobody knows.
benchmark_figures as (
    select
        build_id,
        run_id,
        'bench ' || unit as metric,
        subject,
        null as function,
        null as wait_reason,
        value,
        standard_error,
        unit,
        case when ends_with(unit, '/s') then -1 when unit in ('sec/op', 'B/op', 'allocs/op') then 1 else 0 end
            as polarity,
        'benchmark' as measure,
        'benchmark' as evidence,
    from benchmarks
)

select
    build_id,
    run_id,
    metric,
    subject,
    function,
    wait_reason,
    value,
    standard_error,
    unit,
    polarity,
    measure,
    evidence,
from normalised
union all
select
    build_id,
    run_id,
    metric,
    subject,
    function,
    wait_reason,
    value,
    standard_error,
    unit,
    polarity,
    measure,
    evidence,
from benchmark_figures
union all
select
    build_id,
    run_id,
    metric,
    subject,
    function,
    wait_reason,
    value,
    standard_error,
    unit,
    polarity,
    measure,
    evidence,
from share_figures
