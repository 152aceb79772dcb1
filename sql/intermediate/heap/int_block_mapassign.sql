-- What block_mapassign says, as far as the captures of a build tell it themselves.
-- grain: build_id, function
-- scope: build
-- Means over the build's runs; call_path is the path into the function that has most of both, waits and bytes.
with

captures as (
    select * from int_counted_captures
),

blocks as (
    select * from goroutine_blocks
),

allocations as (
    select * from int_map_allocations
),

collections as (
    select * from int_trace_gc
),

heap as (
    select * from int_heap_coverage
),

traced_runs as (
    select build_id, count(distinct run_id) as trace_runs,
    from captures
    where kind in ('trace', 'flight')
    group by build_id
),

profiled_runs as (
    select build_id, count(distinct run_id) as heap_runs,
    from heap
    group by build_id
),

-- A call path from the function outwards is the same on both sides; the frames inside it differ by nature.
paths as (
    select build_id, function, array_to_string(list_prepend(function, callers), ' < ') as call_path,
        block_ns, block_count, case when reason = 'sync' then block_ns else 0 end as sync_ns,
        0 as alloc_bytes, 0 as alloc_objects, 0 as inuse_bytes,
    from blocks
    where function is not null
    union all
    select build_id, function, array_to_string(list_prepend(function, callers), ' < '),
        0, 0, 0, alloc_bytes, alloc_objects, inuse_bytes,
    from allocations
    where callee_class in ('map_assign', 'map_grow')
),

by_path as (
    select build_id, function, call_path, sum(block_ns) as block_ns, sum(block_count) as block_count,
        sum(sync_ns) as sync_ns, sum(alloc_bytes) as alloc_bytes, sum(alloc_objects) as alloc_objects,
        sum(inuse_bytes) as inuse_bytes,
    from paths
    group by build_id, function, call_path
),

-- Shares make nanoseconds and bytes add up.
ranked as (
    select *,
        coalesce(block_ns / nullif(sum(block_ns) over site, 0), 0)
        + coalesce(alloc_bytes / nullif(sum(alloc_bytes) over site, 0), 0) as share,
    from by_path
    window site as (partition by build_id, function)
),

by_function as (
    select build_id, function,
        sum(block_ns) as block_ns, sum(block_count) as block_count, sum(sync_ns) as sync_ns,
        sum(alloc_bytes) as alloc_bytes, sum(alloc_objects) as alloc_objects, sum(inuse_bytes) as inuse_bytes,
        first(call_path order by share desc, call_path) as call_path,
        first(block_ns order by share desc, call_path) as path_block_ns,
        first(alloc_bytes order by share desc, call_path) as path_alloc_bytes,
    from ranked
    group by build_id, function
),

assists as (
    select build_id, function, sum(range_ns) as assist_ns,
    from collections
    where activity = 'mark_assist'
    group by build_id, function
)

select
    by_function.build_id,
    by_function.function,
    round(by_function.block_count / traced_runs.trace_runs)::bigint as block_count,
    round(by_function.block_ns / traced_runs.trace_runs)::bigint as block_ns,
    round(by_function.sync_ns / traced_runs.trace_runs)::bigint as sync_ns,
    round(by_function.alloc_bytes / profiled_runs.heap_runs)::bigint as alloc_bytes,
    round(by_function.alloc_objects / profiled_runs.heap_runs)::bigint as alloc_objects,
    round(by_function.inuse_bytes / profiled_runs.heap_runs)::bigint as inuse_bytes,
    round(coalesce(assists.assist_ns, 0) / traced_runs.trace_runs)::bigint as assist_ns,
    by_function.call_path,
    round(by_function.path_block_ns / traced_runs.trace_runs)::bigint as path_block_ns,
    round(by_function.path_alloc_bytes / profiled_runs.heap_runs)::bigint as path_alloc_bytes,
from by_function
left join assists using (build_id, function)
left join traced_runs using (build_id)
left join profiled_runs using (build_id)
