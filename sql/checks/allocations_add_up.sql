-- Map allocations and boxing by path are those of the profiles, no more and no less.
with

by_path as (
    select build_id, run_id, sum(alloc_bytes) as alloc_bytes, sum(inuse_bytes) as inuse_bytes,
    from mapassign_allocations
    group by build_id, run_id
),

callees as (
    select build_id, run_id, callee_class, alloc_bytes, inuse_bytes from int_profile_callees
    union all
    select build_id, run_id, callee_class, alloc_bytes, inuse_bytes from int_pooled_callees
),

by_callee as (
    select build_id, run_id, sum(alloc_bytes) as alloc_bytes, sum(inuse_bytes) as inuse_bytes,
    from callees
    where callee_class not in ('other', 'unknown')
    group by build_id, run_id
)

select build_id, run_id, by_path.alloc_bytes as by_path_bytes, by_callee.alloc_bytes as by_callee_bytes,
from by_path
full join by_callee using (build_id, run_id)
where by_path.alloc_bytes is distinct from by_callee.alloc_bytes
    or by_path.inuse_bytes is distinct from by_callee.inuse_bytes
