-- What other builds help to know of what each function's map assignments allocated. Means over the build's runs.
-- grain: build_id, function
-- scope: history
with

callees as (
    select * from int_pooled_callees
    where callee_class in ('map_assign', 'map_grow')
),

sites as (
    select * from int_stack_sites
),

coverage as (
    select * from int_heap_coverage
),

profiled as (
    select build_id, count(distinct run_id) as runs,
    from coverage
    group by build_id
),

by_path as (
    select
        callees.build_id,
        sites.function,
        array_to_string(list_prepend(sites.function, sites.callers), ' < ') as call_path,
        sum(callees.alloc_bytes) as alloc_bytes,
        sum(callees.alloc_objects) as alloc_objects,
        sum(callees.inuse_bytes) as inuse_bytes,
    from callees
    inner join sites
        on sites.build_id = callees.build_id
        and sites.stack_id = callees.stack_id
    group by all
)

select
    by_path.build_id,
    by_path.function,
    round(sum(by_path.alloc_bytes) / any_value(profiled.runs))::bigint as alloc_bytes,
    round(sum(by_path.alloc_objects) / any_value(profiled.runs))::bigint as alloc_objects,
    round(sum(by_path.inuse_bytes) / any_value(profiled.runs))::bigint as inuse_bytes,
    first(by_path.call_path order by by_path.alloc_bytes desc, by_path.call_path) as call_path,
    round(max(by_path.alloc_bytes) / any_value(profiled.runs))::bigint as path_alloc_bytes,
from by_path
inner join profiled using (build_id)
group by by_path.build_id, by_path.function
