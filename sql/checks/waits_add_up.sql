-- Waits by path and waits by function are the same waits.
with

by_path as (
    select build_id, run_id, sum(block_ns) as block_ns, sum(block_count) as block_count,
    from goroutine_blocks
    where function is not null
    group by build_id, run_id
),

by_function as (
    select build_id, run_id, sum(block_ns) as block_ns, sum(block_count) as block_count,
    from int_function_waits
    group by build_id, run_id
)

select build_id, run_id, by_path.block_ns as by_path_ns, by_function.block_ns as by_function_ns,
from by_path
full join by_function using (build_id, run_id)
where by_path.block_ns is distinct from by_function.block_ns
    or by_path.block_count is distinct from by_function.block_count
