-- Waiting and map assignments of a package's functions together. What a package costs more, a site does: not judged.
-- grain: build_id, run_id, metric, subject
-- scope: history
with

waits as (
    select * from figures_waits
),

maps as (
    select * from figures_maps
),

packaged as (
    select *, regexp_extract(split_part(function, '[', 1), '^(.*/)?[^./]+') as package,
    from (
        select build_id, run_id, metric, function, value, standard_error, evidence,
        from waits
        where metric = 'block_ns' and polarity = 1 and calling_function is null
        union all
        select build_id, run_id, metric, function, value, standard_error, evidence,
        from maps
        where metric in ('mapassign_alloc_bytes', 'mapassign_inuse_bytes')
    )
)

select
    build_id,
    run_id,
    'package_' || packaged.metric as metric,
    package as subject,
    sum(value) as value,
    sqrt(list_sum(list_sort(list(standard_error * standard_error)))) as standard_error,
    string_agg(distinct evidence, ', ' order by evidence) as evidence,
from packaged
group by build_id, run_id, packaged.metric, package
