-- Memory that map assignments, growing, making and cloning maps, sync.Map and boxing allocated, by call path.
-- grain: build_id, run_id, path_id, callee
-- scope: view
-- function is the user's code: the innermost frame outside the standard library, as in goroutine_blocks;
-- leaf_function holds the CALL itself, such as encoding/json.(*decodeState).object, and route is the package that the
-- user's code called. Growth stands apart from assigning only where the run's heap profile is a text (debug=1).
with

told as (
    select * from int_map_allocations
),

pooled as (
    select * from int_pooled_allocations
),

allocations as (
    select *
    from told
    anti join pooled using (build_id, run_id, path_id, callee)
    union all by name
    select * from pooled
)

select
    build_id,
    run_id,
    path_id,
    callee,
    callee_class,
    function,
    file,
    line,
    leaf_function,
    callers,
    route,
    alloc_bytes,
    alloc_objects,
    inuse_bytes,
    inuse_objects,
    alloc_bytes_variance,
    alloc_objects_variance,
    inuse_bytes_variance,
    inuse_objects_variance,
    evidence,
    confidence,
from allocations
