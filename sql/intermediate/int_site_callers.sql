-- The functions that lead to a site whose cost changed, up to three callers away; the site itself at distance 0.
-- grain: metric, first_subject, ordinal, caller
-- scope: history
-- Of call paths at the build of the change and at the one before, for at one of the two the site may be missing.
-- Farther out, what has nothing to do with each other has a caller in common.
with

history as (
    select * from regression_history
),

blocks as (
    select * from goroutine_blocks
),

allocations as (
    select * from mapassign_allocations
),

changed as (
    select metric, measure, first_subject, ordinal, function, build_id, build_id_before,
    from (
        select *, lag(build_id) over (partition by metric, first_subject order by ordinal) as build_id_before,
        from history
        where metric in ('block_ns', 'mapassign_alloc_bytes', 'mapassign_inuse_bytes')
    )
    where is_change
),

seen as (
    select metric, measure, first_subject, ordinal, function, unnest([build_id, build_id_before]) as build_id,
    from changed
),

paths as (
    select distinct build_id, 'trace' as measure, function, callers,
    from blocks
    where function in (select function from changed)
    union all
    select distinct build_id, unnest(['heap_alloc', 'heap_inuse']), function, callers,
    from allocations
    where function in (select function from changed)
),

nested as (
    select
        seen.metric,
        seen.measure,
        seen.first_subject,
        seen.ordinal,
        unnest(list_prepend(seen.function, paths.callers[1:3])) as caller,
        generate_subscripts(list_prepend(seen.function, paths.callers[1:3]), 1) - 1 as distance,
    from seen
    inner join paths
        on paths.build_id = seen.build_id
        and paths.function = seen.function
        and paths.measure = seen.measure
)

select metric, measure, first_subject, ordinal, caller, min(distance) as distance,
from nested
group by metric, measure, first_subject, ordinal, caller
