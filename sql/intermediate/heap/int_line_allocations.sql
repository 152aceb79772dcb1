-- What each line of code allocated: the line that holds the CALL, and the user's line that led to it.
-- grain: build_id, run_id, is_leaf, file, line, function
-- scope: build
-- is_leaf: by the stack's innermost frame, as compilers and analyzers see the code; not is_leaf: by its innermost
-- frame outside the standard library.
with

samples as (
    select * from int_heap_samples
),

sites as (
    select * from int_stack_sites
),

sampled as (
    select
        build_id,
        run_id,
        stack_id,
        coalesce(sum(value) filter (where sample_type = 'alloc_space'), 0) as alloc_bytes,
        coalesce(sum(value) filter (where sample_type = 'alloc_objects'), 0) as alloc_objects,
        coalesce(sum(value) filter (where sample_type = 'inuse_space'), 0) as inuse_bytes,
        coalesce(sum(value) filter (where sample_type = 'inuse_objects'), 0) as inuse_objects,
    from samples
    group by build_id, run_id, stack_id
),

lines as (
    select sampled.*, true as is_leaf, sites.leaf_file as file, sites.leaf_line as line,
        sites.leaf_function as function,
    from sampled
    inner join sites
        on sites.build_id = sampled.build_id
        and sites.stack_id = sampled.stack_id
    union all
    select sampled.*, false, sites.file, sites.line, sites.function,
    from sampled
    inner join sites
        on sites.build_id = sampled.build_id
        and sites.stack_id = sampled.stack_id
)

select
    build_id,
    run_id,
    is_leaf,
    file,
    line,
    function,
    sum(alloc_bytes)::bigint as alloc_bytes,
    sum(alloc_objects)::bigint as alloc_objects,
    sum(inuse_bytes)::bigint as inuse_bytes,
    sum(inuse_objects)::bigint as inuse_objects,
from lines
where file is not null
group by build_id, run_id, is_leaf, file, line, function
