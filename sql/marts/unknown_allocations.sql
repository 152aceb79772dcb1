-- Memory of which nothing tells whether a map allocated it, by call path.
-- grain: build_id, run_id, path_id
-- scope: view
-- No binary of the build explains it, no capture of the build shows what is called there, no listing has the line, and
-- no other build knows the same line. The figures are the site's own: what rose here rose, whatever allocated it.
with

callees as (
    select * from int_pooled_callees
    where callee_class = 'unknown'
),

sites as (
    select * from int_stack_sites
)

-- A path may go through several lines: the one that allocates most is shown.
select
    callees.build_id,
    callees.run_id,
    sites.path_id,
    any_value(sites.function) as function,
    first(sites.file order by callees.alloc_bytes desc, sites.line) as file,
    first(sites.line order by callees.alloc_bytes desc, sites.line) as line,
    any_value(sites.leaf_function) as leaf_function,
    any_value(sites.callers) as callers,
    any_value(sites.route) as route,
    sum(callees.alloc_bytes)::bigint as alloc_bytes,
    sum(callees.alloc_objects)::bigint as alloc_objects,
    sum(callees.inuse_bytes)::bigint as inuse_bytes,
    sum(callees.inuse_objects)::bigint as inuse_objects,
from callees
inner join sites
    on sites.build_id = callees.build_id
    and sites.stack_id = callees.stack_id
group by callees.build_id, callees.run_id, sites.path_id
