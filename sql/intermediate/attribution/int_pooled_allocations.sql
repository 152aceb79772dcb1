-- Map allocations that other builds help to know, by call path, with what the build itself tells of the same path.
-- grain: build_id, run_id, path_id, callee
-- scope: history
with

callees as (
    select * from int_pooled_callees
    where callee_class not in ('other', 'unknown')
),

sites as (
    select * from int_stack_sites
),

told as (
    select * from int_map_allocations
),

pooled as (
    select
        callees.*,
        sites.path_id,
        sites.function,
        sites.file,
        sites.line,
        sites.leaf_function,
        sites.callers,
        sites.route,
    from callees
    inner join sites
        on sites.build_id = callees.build_id
        and sites.stack_id = callees.stack_id
),

allocations as (
    select * exclude (stack_id)
    from pooled
    union all by name
    select *
    from told
    semi join pooled using (build_id, run_id, path_id, callee)
)

-- A path may go through several lines: the one that allocates most is shown.
select
    build_id,
    run_id,
    path_id,
    callee,
    any_value(callee_class) as callee_class,
    any_value(function) as function,
    first(file order by alloc_bytes desc, line) as file,
    first(line order by alloc_bytes desc, line) as line,
    any_value(leaf_function) as leaf_function,
    any_value(callers) as callers,
    any_value(route) as route,
    sum(alloc_bytes)::bigint as alloc_bytes,
    sum(alloc_objects)::bigint as alloc_objects,
    sum(inuse_bytes)::bigint as inuse_bytes,
    sum(inuse_objects)::bigint as inuse_objects,
    list_sum(list_sort(list(alloc_bytes_variance))) as alloc_bytes_variance,
    list_sum(list_sort(list(alloc_objects_variance))) as alloc_objects_variance,
    list_sum(list_sort(list(inuse_bytes_variance))) as inuse_bytes_variance,
    list_sum(list_sort(list(inuse_objects_variance))) as inuse_objects_variance,
    -- Of several, the least sure.
    arg_min(evidence, (confidence, evidence)) as evidence,
    min(confidence) as confidence,
from allocations
group by build_id, run_id, path_id, callee
