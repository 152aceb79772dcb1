-- Memory that each call path allocated and still holds: how it grew within runs, and from build to build.
-- grain: build_id, path_id
-- scope: history
-- Means over the build's runs that have a heap profile or, of growth within runs, several: as measured, not per unit of
-- work, and without a verdict, which regressions gives. A path that the build before did not have had nothing there; one
-- that only the build before had stands there once more, with nothing. A build without a known place has none before it.
with

sites as (
    select * from int_heap_sites
),

coverage as (
    select * from int_heap_coverage
),

sequence as (
    select * from builds
),

profiled as (
    select
        sequence.build_id,
        any_value(sequence.ordinal) as ordinal,
        any_value(sequence.is_ordered) as is_ordered,
        count(distinct coverage.run_id) as runs,
    from sequence
    inner join coverage using (build_id)
    group by sequence.build_id
),

-- Of a run with one profile nothing tells how it grew.
grown as (
    select build_id, count(distinct run_id) as runs,
    from sites
    where run_growth_bytes is not null
    group by build_id
),

ordered as (
    select * exclude (is_ordered), if(is_ordered, lag(build_id) over (order by ordinal), null) as previous_build_id,
    from profiled
),

by_build as (
    select
        sites.build_id,
        sites.path_id,
        any_value(sites.function) as function,
        first(sites.file order by sites.alloc_bytes desc, sites.line) as file,
        first(sites.line order by sites.alloc_bytes desc, sites.line) as line,
        any_value(sites.leaf_function) as leaf_function,
        any_value(sites.callers) as callers,
        sum(sites.alloc_bytes) / any_value(ordered.runs) as alloc_bytes,
        sum(sites.inuse_bytes) / any_value(ordered.runs) as inuse_bytes,
        coalesce(sum(sites.run_growth_bytes), 0) / any_value(grown.runs) as run_growth_bytes,
    from sites
    inner join ordered using (build_id)
    left join grown using (build_id)
    group by sites.build_id, sites.path_id
),

vanished as (
    select
        ordered.build_id,
        gone.* exclude (build_id, alloc_bytes, inuse_bytes, run_growth_bytes),
        0 as alloc_bytes,
        0 as inuse_bytes,
        if(grown.runs > 0, 0, null) as run_growth_bytes,
    from by_build as gone
    inner join ordered on ordered.previous_build_id = gone.build_id
    left join grown on grown.build_id = ordered.build_id
    where not exists (
        select 1
        from by_build as still
        where still.build_id = ordered.build_id
            and still.path_id = gone.path_id
    )
),

with_vanished as (
    select * from by_build
    union all by name
    select * from vanished
)

select
    by_build.build_id,
    by_build.path_id,
    ordered.ordinal,
    by_build.function,
    by_build.file,
    by_build.line,
    by_build.leaf_function,
    by_build.callers,
    round(by_build.alloc_bytes)::bigint as alloc_bytes,
    round(by_build.inuse_bytes)::bigint as inuse_bytes,
    round(by_build.run_growth_bytes)::bigint as run_growth_bytes,
    ordered.previous_build_id,
    case
        when ordered.previous_build_id is not null
            then round(by_build.alloc_bytes - coalesce(before.alloc_bytes, 0))
    end::bigint as alloc_change_bytes,
    case
        when ordered.previous_build_id is not null
            then round(by_build.inuse_bytes - coalesce(before.inuse_bytes, 0))
    end::bigint as inuse_change_bytes,
from with_vanished as by_build
inner join ordered using (build_id)
left join by_build as before
    on before.build_id = ordered.previous_build_id
    and before.path_id = by_build.path_id
