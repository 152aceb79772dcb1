-- What one function of a build waited, what its map assignments allocated and what it lost to GC assists.
-- grain: build_id, function
-- scope: view
-- Means over the build's runs; call_path is the path into the function that has most of both, waits and bytes. What
-- other builds help to know is in the sums, and in the path where the build itself says nothing of the function.
with

told as (
    select * from int_block_mapassign
),

pooled as (
    select * from int_pooled_functions
),

merged as (
    select
        coalesce(told.build_id, pooled.build_id) as build_id,
        coalesce(told.function, pooled.function) as function,
        told.block_count,
        told.block_ns,
        told.sync_ns,
        coalesce(told.alloc_bytes + pooled.alloc_bytes, told.alloc_bytes, pooled.alloc_bytes) as alloc_bytes,
        coalesce(told.alloc_objects + pooled.alloc_objects, told.alloc_objects, pooled.alloc_objects) as alloc_objects,
        coalesce(told.inuse_bytes + pooled.inuse_bytes, told.inuse_bytes, pooled.inuse_bytes) as inuse_bytes,
        told.assist_ns,
        told.call_path as told_path,
        pooled.call_path as pooled_path,
        told.path_block_ns,
        told.path_alloc_bytes as told_path_alloc_bytes,
        pooled.path_alloc_bytes as pooled_path_alloc_bytes,
    from told
    full join pooled
        on pooled.build_id = told.build_id
        and pooled.function = told.function
)

select
    build_id,
    function,
    block_count,
    block_ns,
    sync_ns,
    alloc_bytes,
    alloc_objects,
    inuse_bytes,
    assist_ns,
    coalesce(told_path, pooled_path) as call_path,
    path_block_ns,
    case
        when told_path is null or told_path = pooled_path
            then coalesce(told_path_alloc_bytes, 0) + pooled_path_alloc_bytes
        else told_path_alloc_bytes
    end as path_alloc_bytes,
from merged
