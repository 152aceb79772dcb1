-- What each line of code allocated in a run of its build, as the compiler and analyzers see lines: by the innermost frame.
-- grain: build_id, file, line
-- scope: build
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
    arg_max(allocated.function, allocated.alloc_bytes) as function,
    round(sum(allocated.alloc_bytes) / any_value(profiled.runs))::bigint as alloc_bytes,
    round(sum(allocated.alloc_objects) / any_value(profiled.runs))::bigint as alloc_objects,
    round(sum(allocated.inuse_bytes) / any_value(profiled.runs))::bigint as inuse_bytes,
from allocated
inner join profiled using (build_id)
where allocated.is_leaf
group by allocated.build_id, allocated.file, allocated.line
