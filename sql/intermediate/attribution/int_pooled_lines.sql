-- What other builds help to know of the lines that assign, make or clone maps. Means over the build's runs.
-- grain: build_id, file, line
-- scope: history
with

callees as (
    select * from int_pooled_callees
    where starts_with(callee_class, 'map_')
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
)

select
    callees.build_id,
    sites.file,
    sites.line,
    first(sites.function order by callees.alloc_bytes desc, sites.function) as function,
    list_sort(list_distinct(list(callees.callee))) as callees,
    round(sum(callees.alloc_bytes) / any_value(profiled.runs))::bigint as alloc_bytes,
    round(sum(callees.alloc_objects) / any_value(profiled.runs))::bigint as alloc_objects,
    round(sum(callees.inuse_bytes) / any_value(profiled.runs))::bigint as inuse_bytes,
    arg_min(callees.evidence, (callees.confidence, callees.evidence)) as evidence,
    min(callees.confidence) as confidence,
from callees
inner join sites
    on sites.build_id = callees.build_id
    and sites.stack_id = callees.stack_id
inner join profiled
    on profiled.build_id = callees.build_id
where sites.file is not null
group by callees.build_id, sites.file, sites.line
