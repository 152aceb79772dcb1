-- What mapassign_allocations says, as far as the captures of a build tell it themselves.
-- grain: build_id, run_id, path_id, callee
-- scope: build
-- function is the user's code: the innermost frame outside the standard library, as in goroutine_blocks;
-- leaf_function holds the CALL itself, such as encoding/json.(*decodeState).object, and route is the package that the
-- user's code called. Growth stands apart from assigning only where the run's heap profile is a text (debug=1).
with

callees as (
    select * from int_profile_callees
),

sites as (
    select * from int_stack_sites
),

map_callees as (
    select * from callees
    where callee_class not in ('other', 'unknown')
),

placed as (
    select
        map_callees.*,
        sites.path_id,
        sites.function,
        sites.file,
        sites.line,
        sites.leaf_function,
        sites.callers,
        sites.route,
    from map_callees
    inner join sites
        on sites.build_id = map_callees.build_id
        and sites.stack_id = map_callees.stack_id
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
from placed
group by build_id, run_id, path_id, callee
