-- How much of what each function allocated in a run nothing tells: whether a map allocated it.
-- grain: build_id, run_id, function
-- scope: history
with

unknown as (
    select * from unknown_allocations
)

select build_id, run_id, function, sum(alloc_bytes) as alloc_bytes, sum(inuse_bytes) as inuse_bytes,
from unknown
group by build_id, run_id, function
