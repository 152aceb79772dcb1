-- Samples of heap profiles of which nothing in the build tells what they called, and where in their function they did.
-- grain: build_id, run_id, stack_id, alignment
-- scope: build
-- line_offset is null where no profile says where the function begins.
with

callees as (
    select * from int_profile_callees
    where evidence = 'unknown'
),

sites as (
    select * from int_stack_sites
),

starts as (
    select * from int_function_starts
),

placed as (
    select
        callees.*,
        regexp_replace(sites.leaf_function, '\[.*\]', '[...]') as function,
        sites.leaf_file as file,
        sites.leaf_line as line,
    from callees
    left join sites
        on sites.build_id = callees.build_id
        and sites.stack_id = callees.stack_id
)

select
    placed.build_id,
    placed.run_id,
    placed.stack_id,
    placed.alignment,
    placed.function,
    placed.line - starts.start_line as line_offset,
    placed.alloc_bytes,
    placed.alloc_objects,
    placed.inuse_bytes,
    placed.inuse_objects,
    placed.alloc_bytes_variance,
    placed.alloc_objects_variance,
    placed.inuse_bytes_variance,
    placed.inuse_objects_variance,
from placed
left join starts
    on starts.build_id = placed.build_id
    and starts.function = placed.function
    and starts.file = placed.file
