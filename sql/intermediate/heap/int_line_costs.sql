-- What each line of code allocated in a run of its build, as the compiler and analyzers see lines.
-- grain: build_id, file, line
-- scope: build
-- By the innermost frame; and with the standard library that it called, by the innermost frame outside of that.
-- Means over the build's runs that have a heap profile.
with

allocated as (
    select * from int_line_allocations
),

coverage as (
    select * from int_heap_coverage
),

profiled as (
    select build_id, count(distinct run_id) as runs,
    from coverage
    group by build_id
)

select
    allocated.build_id,
    allocated.file,
    allocated.line,
    arg_max(allocated.function, (allocated.is_leaf, allocated.alloc_bytes)) as function,
    coalesce(round(sum(allocated.alloc_bytes) filter (where is_leaf) / any_value(profiled.runs)), 0)::bigint as alloc_bytes,
    coalesce(round(sum(allocated.alloc_objects) filter (where is_leaf) / any_value(profiled.runs)), 0)::bigint
        as alloc_objects,
    coalesce(round(sum(allocated.inuse_bytes) filter (where is_leaf) / any_value(profiled.runs)), 0)::bigint as inuse_bytes,
    coalesce(round(sum(allocated.alloc_bytes) filter (where not is_leaf) / any_value(profiled.runs)), 0)::bigint
        as alloc_under_bytes,
    coalesce(round(sum(allocated.inuse_bytes) filter (where not is_leaf) / any_value(profiled.runs)), 0)::bigint
        as inuse_under_bytes,
from allocated
inner join profiled using (build_id)
group by allocated.build_id, allocated.file, allocated.line
