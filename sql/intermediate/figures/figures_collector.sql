-- What the collector took of the program: assists, pauses and marking in traces, and its share of the CPU in gctrace.
-- grain: build_id, run_id, metric, subject
-- scope: build
with

captures as (
    select * from int_counted_captures
),

collections as (
    select * from int_trace_gc
),

cycles as (
    select * from stg_gc_cycles
),

metrics_seen as (
    select * from stg_trace_metrics
),

traced as (
    select build_id, run_id, sum(duration_ns) as duration_ns,
    from captures
    where kind in ('trace', 'flight')
    group by build_id, run_id
),

totals as (
    select build_id, run_id, activity, sum(range_ns)::double as value,
        sqrt(list_sum(list_sort(list(range_ns_variance)))) as standard_error,
    from collections
    group by build_id, run_id, activity
),

-- The most of each process, added up.
sizes as (
    select build_id, run_id, name, sum(value)::double as value,
    from (
        select captures.build_id, captures.run_id, captures.process, metrics_seen.name,
            max(metrics_seen.value) as value,
        from metrics_seen
        inner join captures using (capture_id)
        where metrics_seen.name in ('/memory/classes/heap/objects:bytes', '/gc/heap/goal:bytes')
        group by all
    )
    group by build_id, run_id, name
),

-- A process says at each cycle what the collector took of it so far: the last says it of all.
processes as (
    select
        captures.build_id,
        captures.run_id,
        captures.capture_id,
        cycles.process_index,
        arg_max(cycles.gc_cpu_percent, cycles.cycle) / 100 as gc_cpu_share,
        max(cycles.heap_after_bytes)::double as heap_after_bytes,
    from cycles
    inner join captures using (capture_id)
    group by all
),

figures as (
    select build_id, run_id,
        case activity
            when 'mark_assist' then 'gc_assist_ns' when 'mark' then 'gc_mark_ns' else 'gc_pause_ns'
        end as metric,
        'program' as subject, null as function, value, standard_error, 'trace' as evidence,
    from totals
    union all
    select totals.build_id, totals.run_id,
        case totals.activity when 'mark_assist' then 'gc_assist_share' else 'gc_pause_share' end,
        'program', null, totals.value / traced.duration_ns, null, 'trace',
    from totals
    inner join traced using (build_id, run_id)
    where traced.duration_ns > 0 and totals.activity <> 'mark'
    union all
    select build_id, run_id, 'function_assist_ns', function, function, sum(range_ns)::double,
        sqrt(list_sum(list_sort(list(range_ns_variance)))), 'trace',
    from collections
    where activity = 'mark_assist' and function <> 'unknown'
    group by build_id, run_id, function
    union all
    select build_id, run_id, if(name = '/gc/heap/goal:bytes', 'heap_goal_bytes', 'heap_live_bytes'), 'program', null,
        value, null, 'trace',
    from sizes
    union all
    select build_id, run_id, 'gc_cpu_share', 'program', null, avg(gc_cpu_share), null, 'gctrace',
    from processes
    group by build_id, run_id
    union all
    select build_id, run_id, 'heap_after_gc_bytes', 'program', null, max(heap_after_bytes), null, 'gctrace',
    from processes
    where heap_after_bytes is not null
    group by build_id, run_id
)

select build_id, run_id, metric, subject, function, value, standard_error, evidence,
from figures
