-- What assigning to maps, making them and sync.Map allocated, and what of it is still in use, by function.
-- grain: build_id, run_id, metric, subject
-- scope: history
with

allocations as (
    select * from mapassign_allocations
),

metrics_of_classes as (
    select * from int_map_metrics
),

allocated as (
    select
        build_id,
        run_id,
        prefix,
        function,
        string_agg(distinct evidence, ', ' order by evidence) as evidence,
        sum(alloc_bytes)::double as alloc_bytes,
        sum(alloc_objects)::double as alloc_objects,
        sum(inuse_bytes)::double as inuse_bytes,
        sum(inuse_objects)::double as inuse_objects,
        sqrt(list_sum(list_sort(list(alloc_bytes_variance)))) as alloc_bytes_error,
        sqrt(list_sum(list_sort(list(alloc_objects_variance)))) as alloc_objects_error,
        sqrt(list_sum(list_sort(list(inuse_bytes_variance)))) as inuse_bytes_error,
        sqrt(list_sum(list_sort(list(inuse_objects_variance)))) as inuse_objects_error,
    from allocations
    inner join metrics_of_classes using (callee_class)
    group by build_id, run_id, prefix, function
),

figures as (
    select *, '_alloc_bytes' as suffix, alloc_bytes as value, alloc_bytes_error as standard_error,
    from allocated
    union all by name
    select *, '_alloc_objects' as suffix, alloc_objects as value, alloc_objects_error as standard_error,
    from allocated
    union all by name
    select *, '_inuse_bytes' as suffix, inuse_bytes as value, inuse_bytes_error as standard_error,
    from allocated
    union all by name
    select *, '_inuse_objects' as suffix, inuse_objects as value, inuse_objects_error as standard_error,
    from allocated
)

select build_id, run_id, prefix || suffix as metric, function as subject, function, value, standard_error, evidence,
from figures
where value > 0
