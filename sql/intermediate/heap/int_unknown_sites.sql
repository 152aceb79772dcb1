-- How much of what each function allocated in a run nothing tells: whether a map allocated it.
-- grain: build_id, run_id, function
-- scope: history
with

callees as (
    select * from int_pooled_callees
    where callee_class = 'unknown'
),

sites as (
    select * from int_stack_sites
)

select
    callees.build_id,
    callees.run_id,
    sites.function,
    sum(callees.alloc_bytes) as alloc_bytes,
    sum(callees.inuse_bytes) as inuse_bytes,
from callees
inner join sites
    on sites.build_id = callees.build_id
    and sites.stack_id = callees.stack_id
group by callees.build_id, callees.run_id, sites.function
