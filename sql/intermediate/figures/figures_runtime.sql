-- What a program said of its runtime: its last snapshot and, of what counts up, what was between it and the first.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- Of a process with one snapshot what counts up is taken since the last one of a run before where both say that it began at
-- the same moment, else since its start, as of one that began anew. The processes of a run are added up; shares are of all
-- together.
-- Seconds are those between the snapshots' times or, where these are not known, between the last collections that they tell
-- of, or processor time over processors.
-- What a process says in several ways (expvar, /metrics) are snapshots of their own: of each figure those count that are
-- most.
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

timed_snapshots as (
    select
        captures.build_id,
        captures.run_id,
        coalesce(captures.process, '') as process,
        captures.kind,
        measured.capture_id,
        measured.snapshot_index,
        any_value(captures.path) as path,
        coalesce(
            max(measured.at_unix_ns),
            epoch_ns(any_value(captures.captured_at)),
            max(measured.value) filter (where measured.name = 'memstats.LastGC'),
            max(measured.value * 1e9) filter (where measured.name = 'go_memstats_last_gc_time_seconds')
        )::bigint as at_unix_ns,
        (max(measured.value * 1e9) filter (where measured.name = 'process_start_time_seconds'))::bigint as began_unix_ns,
    from measured
    inner join captures using (capture_id)
    group by captures.build_id, captures.run_id, captures.process, captures.kind, measured.capture_id,
        measured.snapshot_index
),

snapshots as (
    select
        *,
        row_number() over (process_order) as place,
        count(*) over (partition by build_id, run_id, process, kind) as last_place,
    from timed_snapshots
    window process_order as (
        partition by build_id, run_id, process, kind
        order by at_unix_ns nulls last, natural_order(path), capture_id, snapshot_index
    )
),

ends as (
    select *, place = last_place as is_last,
    from snapshots
    where place in (1, last_place)
    union all
    select single.* replace (earlier.capture_id as capture_id, earlier.snapshot_index as snapshot_index,
        earlier.at_unix_ns as at_unix_ns), false,
    from snapshots as single
    inner join snapshots as earlier using (build_id, kind, began_unix_ns)
    where single.last_place = 1 and earlier.run_id <> single.run_id and earlier.at_unix_ns < single.at_unix_ns
    qualify row_number() over (
        partition by single.capture_id, single.snapshot_index order by earlier.at_unix_ns desc, earlier.capture_id
    ) = 1
),

-- Each value at a process's first and last snapshot.
values_at_ends as (
    select
        ends.build_id,
        ends.run_id,
        ends.process,
        ends.kind,
        measured.name,
        max(measured.value) filter (where ends.is_last) as last_value,
        max(measured.value) filter (where not ends.is_last) as first_value,
    from ends
    inner join measured using (capture_id, snapshot_index)
    group by ends.build_id, ends.run_id, ends.process, ends.kind, measured.name
),

-- A process that began anew counts up to less than before.
restarts as (
    select
        build_id,
        run_id,
        process,
        kind,
        coalesce(bool_or(last_value < first_value), false) as is_restarted,
    from values_at_ends
    where name in ('/gc/cycles/total:gc-cycles', '/gc/heap/allocs:bytes', '/cpu/classes/total:cpu-seconds')
    group by build_id, run_id, process, kind
),

counted as (
    select
        values_at_ends.build_id,
        values_at_ends.run_id,
        values_at_ends.process,
        values_at_ends.kind,
        values_at_ends.name,
        values_at_ends.last_value,
        values_at_ends.last_value
            - if(coalesce(restarts.is_restarted, false), 0, coalesce(values_at_ends.first_value, 0)) as grown_by,
    from values_at_ends
    left join restarts using (build_id, run_id, process, kind)
),

by_process as (
    select
        build_id,
        run_id,
        process,
        kind,
        max(grown_by) filter (where name = '/cpu/classes/total:cpu-seconds') as cpu_seconds,
        max(grown_by) filter (where name = '/cpu/classes/gc/total:cpu-seconds') as gc_cpu_seconds,
        max(last_value) filter (where name = 'memstats.GCCPUFraction') as gc_cpu_fraction,
        max(grown_by) filter (where name = 'process_cpu_seconds_total') as process_cpu_seconds,
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
    group by build_id, run_id, process, kind
),

observed as (
    select
        build_id,
        run_id,
        process,
        kind,
        (max(at_unix_ns) - min(at_unix_ns)) / 1e9 as seconds,
        (max(at_unix_ns) - max(began_unix_ns)) / 1e9 as seconds_since_start,
        bool_and(is_last) as is_one,
    from ends
    group by build_id, run_id, process, kind
),

timed as (
    select
        by_process.*,
        nullif(
            case
                when observed.seconds > 0 and not coalesce(restarts.is_restarted, false) then observed.seconds
                when by_process.cpu_seconds / by_process.procs > 0 then by_process.cpu_seconds / by_process.procs
                when observed.is_one or restarts.is_restarted then observed.seconds_since_start
            end, 0
        ) as seconds,
    from by_process
    inner join observed using (build_id, run_id, process, kind)
    left join restarts using (build_id, run_id, process, kind)
),

runs as (
    select
        build_id,
        run_id,
        kind,
        coalesce(
            sum(gc_cpu_seconds order by process) / nullif(sum(cpu_seconds order by process), 0),
            avg(gc_cpu_fraction order by process)
        ) as gc_cpu_share,
        sum(cycles / seconds order by process) as cycles_per_second,
        sum(pause_seconds order by process) / sum(seconds order by process) as pause_share,
        sum(alloc_bytes / seconds order by process) as alloc_bytes_per_second,
        sum(process_cpu_seconds / seconds order by process) as process_cpu_per_second,
        sum(goroutines) as goroutines,
        sum(live_bytes) as live_bytes,
        sum(goal_bytes) as goal_bytes,
    from timed
    group by build_id, run_id, kind
),

histograms as (
    select
        ends.build_id,
        ends.run_id,
        ends.kind,
        if(buckets.name = '/sched/latencies:seconds', 'runtime_sched_latency_p99_ns', 'runtime_gc_pause_p99_ns') as metric,
        buckets.name,
        buckets.bucket_index,
        max(coalesce(buckets.upper, buckets.lower)) as bound,
        sum(
            case
                when ends.is_last then buckets.bucket_count
                when coalesce(restarts.is_restarted, false) then 0
                else -buckets.bucket_count
            end
        ) as bucket_count,
    from ends
    inner join buckets using (capture_id, snapshot_index)
    left join restarts using (build_id, run_id, process, kind)
    where buckets.name in ('/sched/latencies:seconds', '/sched/pauses/total/gc:seconds', '/gc/pauses:seconds')
    group by ends.build_id, ends.run_id, ends.kind, buckets.name, buckets.bucket_index
),

cumulated as (
    select
        *,
        sum(bucket_count) over (
            partition by build_id, run_id, kind, name
            order by bucket_index
        ) as count_so_far,
        sum(bucket_count) over (partition by build_id, run_id, kind, name) as total_count,
    from histograms
),

percentiles as (
    select
        build_id,
        run_id,
        kind,
        metric,
        name,
        min(bound) filter (where count_so_far >= .99 * total_count) * 1e9 as value,
    from cumulated
    where total_count > 0
    group by build_id, run_id, kind, metric, name
),

figures as (
    select
        build_id,
        run_id,
        kind,
        unnest([
            {'metric': 'runtime_gc_cpu_share', 'value': gc_cpu_share},
            {'metric': 'runtime_gc_cycles_per_second', 'value': cycles_per_second},
            {'metric': 'runtime_gc_pause_share', 'value': pause_share},
            {'metric': 'runtime_alloc_bytes_per_second', 'value': alloc_bytes_per_second},
            {'metric': 'runtime_cpu_per_second', 'value': process_cpu_per_second},
            {'metric': 'runtime_goroutine_count', 'value': goroutines},
            {'metric': 'runtime_heap_live_bytes', 'value': live_bytes},
            {'metric': 'runtime_heap_goal_bytes', 'value': goal_bytes}
        ], recursive := true),
    from runs
    union all
    -- Both names of the pauses mean the same: the newer counts where both stand.
    select build_id, run_id, kind, metric, arg_max(value, name = '/sched/pauses/total/gc:seconds'),
    from percentiles
    group by build_id, run_id, kind, metric
),

ways as (
    select build_id, run_id, kind, count(*) as snapshot_count,
    from snapshots
    group by build_id, run_id, kind
)

select
    figures.build_id,
    figures.run_id,
    figures.metric,
    'program' as subject,
    arg_max(figures.value, (ways.snapshot_count, ways.kind))::double as value,
    'runtime' as evidence,
from figures
inner join ways using (build_id, run_id, kind)
where figures.value is not null
group by figures.build_id, figures.run_id, figures.metric
