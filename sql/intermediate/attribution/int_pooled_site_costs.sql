-- What other builds help to know of what each site's map assignments allocated and keep, beside int_site_costs.
-- grain: build_id, run_id, metric, function, callers
-- scope: history
with

callees as (
    select * from int_pooled_callees
    where callee_class in ('map_assign', 'map_grow')
),

sites as (
    select * from int_stack_sites
),

placed as (
    select callees.build_id, callees.run_id, sites.function, sites.callers, callees.alloc_bytes, callees.inuse_bytes,
    from callees
    inner join sites
        on sites.build_id = callees.build_id
        and sites.stack_id = callees.stack_id
),

costs as (
    select build_id, run_id, 'mapassign_alloc_bytes' as metric, function, callers, alloc_bytes as value,
    from placed
    union all
    select build_id, run_id, 'mapassign_inuse_bytes', function, callers, inuse_bytes,
    from placed
)

select build_id, run_id, metric, function, callers, sum(value)::double as value,
from costs
where value > 0
group by build_id, run_id, metric, function, callers
