-- The lines of a build that assign, make or clone maps, by what they allocate; without those too small for a sample.
select
    1 as place,
    sites.function,
    sites.file,
    sites.line,
    sites.alloc_bytes,
    sites.inuse_bytes,
    sites.alloc_bytes * measures.run_count / measures.divisor as alloc_bytes_per_unit,
    sites.map_types,
    sites.evidence,
    sites.confidence,
    measures.per,
from map_sites as sites
left join int_build_measures as measures
    on measures.build_id = sites.build_id
    and measures.measure = 'heap_alloc'
where sites.build_id = $build_id and (sites.alloc_bytes > 0 or sites.inuse_bytes > 0)
order by sites.alloc_bytes desc nulls last, sites.inuse_bytes desc, sites.file, sites.line, sites.function
