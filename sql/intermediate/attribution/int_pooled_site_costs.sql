-- What other builds help to know of what each site's maps allocated and keep, beside int_site_costs.
-- grain: build_id, run_id, metric, function, callers
-- scope: history
with

callees as (
    select * from int_pooled_callees
),

metrics_of_classes as (
    select * from int_map_metrics
),

sites as (
    select * from int_stack_sites
),

map_figures as (
    select build_id, run_id, stack_id, prefix || '_' || figure as metric, value,
    from callees
    inner join metrics_of_classes using (callee_class)
    unpivot (value for figure in (alloc_bytes, alloc_objects, inuse_bytes, inuse_objects))
),

costs as (
    select map_figures.build_id, map_figures.run_id, map_figures.metric, sites.function, sites.callers, map_figures.value,
    from map_figures
    inner join sites
        on sites.build_id = map_figures.build_id
        and sites.stack_id = map_figures.stack_id
)

select build_id, run_id, metric, function, callers, sum(value)::double as value,
from costs
where value > 0
group by build_id, run_id, metric, function, callers
