-- What the collector cost each build, and how much of the goroutines' part lies under map code.
-- grain: build_id
-- scope: build
-- Means over the build's runs, of gctrace lines for cycles and CPU time, of traces for the assists' stacks.
-- DuckDB's own: list_filter with a lambda.
with

captures as (
    select * from int_counted_captures
),

collections as (
    select * from stg_gc_cycles
),

ranges as (
    select * from stg_trace_ranges
),

stacks as (
    select * from stg_stacks
),

cycles as (
    select
        captures.build_id,
        captures.run_id,
        collections.*,
        collections.stw_sweep_term_ns + collections.stw_mark_term_ns as pause_ns,
    from collections
    inner join captures using (capture_id)
),

-- A process says at each cycle what the collector took of it so far: the last says it of all.
processes as (
    select build_id, avg(gc_cpu_percent) as gc_cpu_percent,
    from (
        select build_id, capture_id, process_index, arg_max(gc_cpu_percent, cycle) as gc_cpu_percent,
        from cycles
        group by build_id, capture_id, process_index
    )
    group by build_id
),

cycled as (
    select
        build_id,
        count(distinct run_id) as runs,
        count(*) as cycle_count,
        count(*) filter (where is_forced) as forced_cycle_count,
        sum(pause_ns) as pause_ns,
        max(greatest(stw_sweep_term_ns, stw_mark_term_ns)) as max_pause_ns,
        sum(assist_cpu_ns) as assist_cpu_ns,
        sum(background_cpu_ns) as background_cpu_ns,
        sum(idle_cpu_ns) as idle_cpu_ns,
        max(heap_after_bytes) as peak_heap_bytes,
    from cycles
    group by build_id
),

assists as (
    select captures.build_id, ranges.stack_id, ranges.duration_ns,
    from ranges
    inner join captures using (capture_id)
    where ranges.name = 'GC mark assist'
),

map_stacks as (
    select distinct stack_id
    from stacks
    where stack_id in (select stack_id from assists)
        and len(list_filter(functions, lambda f: regexp_matches(
            f,
            '^(runtime\.(mapassign|makemap|mapclone|hashGrow|growWork|evacuate)|internal/runtime/maps\.'
            || '|reflect\.(mapassign|makemap)|maps\.[cC]lone)'
        ))) > 0
),

traced_runs as (
    select build_id, count(distinct run_id) as runs,
    from captures
    where kind in ('trace', 'flight')
    group by build_id
),

assisted as (
    select
        assists.build_id,
        count(*) as assist_count,
        sum(assists.duration_ns) as assist_ns,
        coalesce(sum(assists.duration_ns) filter (where map_stacks.stack_id is not null), 0) as map_assist_ns,
    from assists
    left join map_stacks using (stack_id)
    group by assists.build_id
),

-- No assist in a trace is a figure too.
traced as (
    select
        traced_runs.build_id,
        traced_runs.runs,
        coalesce(assisted.assist_count, 0) as assist_count,
        coalesce(assisted.assist_ns, 0) as assist_ns,
        coalesce(assisted.map_assist_ns, 0) as map_assist_ns,
    from traced_runs
    left join assisted using (build_id)
)

select
    coalesce(cycled.build_id, traced.build_id) as build_id,
    round(cycled.cycle_count / cycled.runs)::bigint as cycle_count,
    round(cycled.forced_cycle_count / cycled.runs)::bigint as forced_cycle_count,
    processes.gc_cpu_percent::double as gc_cpu_percent,
    round(cycled.pause_ns / cycled.runs)::bigint as pause_ns,
    cycled.max_pause_ns::bigint as max_pause_ns,
    round(cycled.assist_cpu_ns / cycled.runs)::bigint as assist_cpu_ns,
    round(cycled.background_cpu_ns / cycled.runs)::bigint as background_cpu_ns,
    round(cycled.idle_cpu_ns / cycled.runs)::bigint as idle_cpu_ns,
    (
        cycled.assist_cpu_ns
        / nullif(cycled.assist_cpu_ns + cycled.background_cpu_ns + cycled.idle_cpu_ns, 0)
    )::double as assist_share,
    cycled.peak_heap_bytes::bigint as peak_heap_bytes,
    round(traced.assist_count / traced.runs)::bigint as assist_count,
    round(traced.assist_ns / traced.runs)::bigint as assist_ns,
    round(traced.map_assist_ns / traced.runs)::bigint as map_assist_ns,
    (traced.map_assist_ns / nullif(traced.assist_ns, 0))::double as map_assist_share,
from cycled
inner join processes using (build_id)
full join traced on traced.build_id = cycled.build_id
