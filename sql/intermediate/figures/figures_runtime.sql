-- What a program said of its runtime: its last snapshot and, of what counts up, what was between it and the first.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- Of a run with one snapshot, and of one in which the program began anew, what counts up is taken since its start.
-- Seconds are those between the snapshots' times or, where these are not known, processor time over processors.
with

captures as (
    select * from int_counted_captures
),

measured as (
    select * from stg_runtime_metrics
),

buckets as (
    select * from stg_runtime_histograms
),

snapshots as (
    select
        captures.build_id,
        captures.run_id,
        measured.capture_id,
        measured.snapshot_index,
        row_number() over (
            partition by captures.build_id, captures.run_id
            order by coalesce(max(measured.at_unix_ns), epoch_ns(any_value(captures.captured_at))) nulls last,
                any_value(captures.path), measured.capture_id, measured.snapshot_index
        ) as place,
        count(*) over (partition by captures.build_id, captures.run_id) as last_place,
        coalesce(max(measured.at_unix_ns), epoch_ns(any_value(captures.captured_at))) as at_unix_ns,
    from measured
    inner join captures using (capture_id)
    group by captures.build_id, captures.run_id, measured.capture_id, measured.snapshot_index
),

ends as (
    select *,
    from snapshots
    where place in (1, last_place)
),

-- Each value at a run's first and last snapshot.
values_at_ends as (
    select
        ends.build_id,
        ends.run_id,
        measured.name,
        max(measured.value) filter (where ends.place = ends.last_place) as last_value,
        max(measured.value) filter (where ends.place = 1 and ends.last_place > 1) as first_value,
    from ends
    inner join measured using (capture_id, snapshot_index)
    group by ends.build_id, ends.run_id, measured.name
),

-- A process that began anew counts up to less than before.
restarts as (
    select
        build_id,
        run_id,
        coalesce(bool_or(last_value < first_value), false) as is_restarted,
    from values_at_ends
    where name in ('/gc/cycles/total:gc-cycles', '/gc/heap/allocs:bytes', '/cpu/classes/total:cpu-seconds')
    group by build_id, run_id
),

counted as (
    select
        values_at_ends.build_id,
        values_at_ends.run_id,
        values_at_ends.name,
        values_at_ends.last_value,
        values_at_ends.last_value
            - if(coalesce(restarts.is_restarted, false), 0, coalesce(values_at_ends.first_value, 0)) as grown_by,
    from values_at_ends
    left join restarts using (build_id, run_id)
),

runs as (
    select
        build_id,
        run_id,
        max(grown_by) filter (where name = '/cpu/classes/total:cpu-seconds') as cpu_seconds,
        max(grown_by) filter (where name = '/cpu/classes/gc/total:cpu-seconds') as gc_cpu_seconds,
        max(last_value) filter (where name = 'memstats.GCCPUFraction') as gc_cpu_fraction,
        max(last_value) filter (where name = '/sched/gomaxprocs:threads') as procs,
        max(grown_by) filter (where name = '/gc/cycles/total:gc-cycles') as cycles,
        max(grown_by) filter (where name = '/gc/heap/allocs:bytes') as alloc_bytes,
        coalesce(
            max(grown_by) filter (where name = 'gc_pause_total:seconds'),
            max(grown_by) filter (where name = 'memstats.PauseTotalNs') / 1e9
        ) as pause_seconds,
        max(last_value) filter (where name = '/sched/goroutines:goroutines') as goroutines,
        coalesce(
            max(last_value) filter (where name = '/gc/heap/live:bytes'),
            max(last_value) filter (where name = '/memory/classes/heap/objects:bytes')
        ) as live_bytes,
        max(last_value) filter (where name = '/gc/heap/goal:bytes') as goal_bytes,
    from counted
    group by build_id, run_id
),

observed as (
    select
        build_id,
        run_id,
        (max(at_unix_ns) - min(at_unix_ns)) / 1e9 as seconds,
    from ends
    group by build_id, run_id
),

timed as (
    select
        runs.*,
        nullif(
            case
                when observed.seconds > 0 and not coalesce(restarts.is_restarted, false) then observed.seconds
                else runs.cpu_seconds / runs.procs
            end, 0
        ) as seconds,
    from runs
    inner join observed using (build_id, run_id)
    left join restarts using (build_id, run_id)
),

histograms as (
    select
        ends.build_id,
        ends.run_id,
        if(buckets.name = '/sched/latencies:seconds', 'runtime_sched_latency_p99_ns', 'runtime_gc_pause_p99_ns') as metric,
        buckets.name,
        buckets.bucket_index,
        max(coalesce(buckets.upper, buckets.lower)) as bound,
        sum(
            case
                when ends.place = ends.last_place then buckets.bucket_count
                when coalesce(restarts.is_restarted, false) then 0
                else -buckets.bucket_count
            end
        ) as bucket_count,
    from ends
    inner join buckets using (capture_id, snapshot_index)
    left join restarts using (build_id, run_id)
    where buckets.name in ('/sched/latencies:seconds', '/sched/pauses/total/gc:seconds', '/gc/pauses:seconds')
    group by ends.build_id, ends.run_id, buckets.name, buckets.bucket_index
),

cumulated as (
    select
        *,
        sum(bucket_count) over (
            partition by build_id, run_id, name
            order by bucket_index
        ) as count_so_far,
        sum(bucket_count) over (partition by build_id, run_id, name) as total_count,
    from histograms
),

percentiles as (
    select
        build_id,
        run_id,
        metric,
        name,
        min(bound) filter (where count_so_far >= .99 * total_count) * 1e9 as value,
    from cumulated
    where total_count > 0
    group by build_id, run_id, metric, name
),

figures as (
    select
        build_id,
        run_id,
        unnest([
            {'metric': 'runtime_gc_cpu_share', 'value': coalesce(gc_cpu_seconds / nullif(cpu_seconds, 0), gc_cpu_fraction)},
            {'metric': 'runtime_gc_cycles_per_second', 'value': cycles / seconds},
            {'metric': 'runtime_gc_pause_share', 'value': pause_seconds / seconds},
            {'metric': 'runtime_alloc_bytes_per_second', 'value': alloc_bytes / seconds},
            {'metric': 'runtime_goroutine_count', 'value': goroutines},
            {'metric': 'runtime_heap_live_bytes', 'value': live_bytes},
            {'metric': 'runtime_heap_goal_bytes', 'value': goal_bytes}
        ], recursive := true),
    from timed
    union all
    -- Both names of the pauses mean the same: the newer counts where both stand.
    select build_id, run_id, metric, arg_max(value, name = '/sched/pauses/total/gc:seconds'),
    from percentiles
    group by build_id, run_id, metric
)

select build_id, run_id, metric, 'program' as subject, value::double as value, 'runtime' as evidence,
from figures
where value is not null
