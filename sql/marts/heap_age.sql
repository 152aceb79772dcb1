-- How long the memory that a function allocates stays in use: bytes in use over the rate of allocation.
-- grain: build_id, function
-- scope: view
-- Little's law: what is in use is the rate at which it is allocated, times how long it lives. The rate is per unit of
-- work, since of a process's life no profile tells how long it was; without work only the share is known.
with

figures as (
    select * from figures_heap where calling_function is null and metric in ('alloc_bytes', 'inuse_bytes')
),

measures as (
    select * from int_build_measures where measure = 'heap_alloc'
),

summed as (
    select
        build_id,
        function,
        coalesce(sum(value) filter (where metric = 'alloc_bytes'), 0) as alloc_bytes,
        coalesce(sum(value) filter (where metric = 'inuse_bytes'), 0) as inuse_bytes,
    from figures
    group by build_id, function
)

-- A process that allocated for n units of work has n * in use / allocated units' worth of them in use.
select
    summed.build_id,
    summed.function,
    round(summed.alloc_bytes / measures.run_count)::bigint as alloc_bytes,
    round(summed.inuse_bytes / measures.run_count)::bigint as inuse_bytes,
    summed.alloc_bytes / if(measures.per is null, null, measures.divisor) as alloc_bytes_per_unit,
    summed.inuse_bytes / nullif(summed.alloc_bytes, 0) as inuse_share,
    if(
        measures.per is null, null,
        summed.inuse_bytes / nullif(summed.alloc_bytes, 0) * measures.divisor / measures.run_count
    ) as age_units,
    measures.per,
from summed
inner join measures using (build_id)
