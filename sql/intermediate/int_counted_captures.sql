-- The captures whose figures count for their run: of a process's running totals the last, of its snapshots the longest.
-- grain: capture_id
-- scope: build
-- Snapshots of a flight recorder overlap, and what lies in two of them happened once. They were taken at moments that
-- somebody chose: of a build that has whole traces too, these count alone. A process has one trace and one CPU profile
-- at a time: those that overlap are of several processes, unless both began at the same moment and are one and its copy
-- (trace.out.gz beside it), as are those that took equally long, to the nanosecond, where nothing says when they began.
-- Block, mutex and goroutine profiles say what was so far: the last says it all, one that spans a time (seconds=30)
-- only counts without it, and the text form (debug=1) only where there is no other. What may be of any of several
-- processes counts only where the run has nothing else. Of goroutines those count whose process has not ended.
with

captures as (
    select stg_captures.*, processes.process, processes.is_ended,
    from stg_captures
    inner join int_capture_processes as processes using (capture_id)
),

windows as (
    select
        capture_id,
        build_id,
        run_id,
        process,
        kind,
        duration_ns,
        epoch_ns(coalesce(started_at, captured_at)) as start_ns,
    from captures
    where kind in ('trace', 'flight', 'cpu')
),

covered as (
    select distinct inner_one.capture_id,
    from windows as inner_one
    inner join windows as outer_one
        on outer_one.build_id = inner_one.build_id
        and outer_one.run_id = inner_one.run_id
        and outer_one.process is not distinct from inner_one.process
        and outer_one.kind = inner_one.kind
        and (
            outer_one.start_ns = inner_one.start_ns
            or (coalesce(outer_one.start_ns, inner_one.start_ns) is null and outer_one.duration_ns = inner_one.duration_ns)
            or (
                inner_one.kind = 'flight'
                and outer_one.start_ns < inner_one.start_ns + inner_one.duration_ns
                and inner_one.start_ns < outer_one.start_ns + outer_one.duration_ns
            )
        )
    where (outer_one.duration_ns, outer_one.capture_id) > (inner_one.duration_ns, inner_one.capture_id)
),

outdone as (
    select capture_id
    from captures
    where kind = 'flight' and build_id in (select build_id from captures where kind = 'trace')
),

totals as (
    select
        capture_id,
        row_number() over (
            partition by build_id, run_id, replace(kind, '_text', ''), process
            order by duration_ns is not null, kind like '%_text', captured_at desc nulls last,
                natural_order(path) desc
        ) as choice,
        process is null and bool_or(process is not null) over (
            partition by build_id, run_id, replace(kind, '_text', '')
        ) as is_anybodys,
    from captures
    where replace(kind, '_text', '') in ('block', 'mutex', 'goroutine', 'goroutineleak')
)

select captures.* exclude (is_ended),
from captures
anti join covered using (capture_id)
anti join outdone using (capture_id)
left join totals using (capture_id)
where coalesce(totals.choice, 1) = 1
    and not coalesce(totals.is_anybodys, false)
    and not (captures.is_ended and starts_with(captures.kind, 'goroutine'))
