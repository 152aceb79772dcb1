-- The captures whose figures count for their run: of windows that overlap the longest, of running totals the last.
-- grain: capture_id
-- scope: build
-- Snapshots of a flight recorder overlap, and what lies in two of them happened once. They were taken at moments that
-- somebody chose: of a build that has whole traces too, these count alone. Block, mutex and goroutine profiles say
-- what was so far: the last says it all, and one that spans a time (seconds=30) only counts without it.
with

captures as (
    select * from stg_captures
),

windows as (
    select
        capture_id,
        build_id,
        run_id,
        if(kind = 'cpu', 'cpu', 'trace') as measure,
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
        and outer_one.measure = inner_one.measure
        and outer_one.capture_id <> inner_one.capture_id
        and outer_one.start_ns < inner_one.start_ns + inner_one.duration_ns
        and inner_one.start_ns < outer_one.start_ns + outer_one.duration_ns
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
            partition by build_id, run_id, kind
            order by duration_ns is not null, captured_at desc nulls last, path desc
        ) as choice,
    from captures
    where kind in ('block', 'mutex', 'goroutine', 'goroutineleak')
)

select captures.*,
from captures
anti join covered using (capture_id)
anti join outdone using (capture_id)
left join totals using (capture_id)
where coalesce(totals.choice, 1) = 1
