-- What each site cost by the way it is called: contention, and memory that maps allocated and keep.
-- grain: build_id, run_id, metric, function, callers
-- scope: build
-- As far as the captures of a build tell it themselves: int_pooled_site_costs has what other builds help to know.
with

blocks as (
    select * from goroutine_blocks
),

kinds as (
    select * from int_wait_kinds
),

allocations as (
    select * from int_map_allocations
),

metrics_of_classes as (
    select * from int_map_metrics
),

map_figures as (
    select build_id, run_id, prefix, function, callers, figure, value,
    from allocations
    inner join metrics_of_classes using (callee_class)
    unpivot (value for figure in (alloc_bytes, alloc_objects, inuse_bytes, inuse_objects))
),

contended as (
    select build_id, path_id, reason, bool_or(is_of_request) as is_of_request,
    from kinds
    where is_contention
    group by build_id, path_id, reason
),

-- What is judged by site, see int_series.
costs as (
    select blocks.build_id, blocks.run_id, 'trace' as measure, 'block_ns' as metric, blocks.function,
        blocks.callers, blocks.block_ns::double as value,
    from blocks
    inner join contended using (build_id, path_id, reason)
    where blocks.reason <> 'GC mark assist wait for work'
    union all
    select blocks.build_id, blocks.run_id, 'trace', 'block_count', blocks.function, blocks.callers,
        blocks.block_count::double,
    from blocks
    inner join contended using (build_id, path_id, reason)
    where blocks.reason <> 'GC mark assist wait for work' and not contended.is_of_request
    union all
    select build_id, run_id, if(starts_with(figure, 'alloc'), 'map_alloc', 'map_inuse'), prefix || '_' || figure, function,
        callers, value::double,
    from map_figures
)

select build_id, run_id, metric, function, callers, any_value(measure) as measure, sum(value) as value,
from costs
where value > 0
group by build_id, run_id, metric, function, callers
