-- What profiles show each function to cost with all that it calls: CPU time, contention, all memory.
-- grain: build_id, run_id, metric, caller
-- scope: build
-- As the figures have it of functions alone. variance: of the sampling, where it is known.
with

summed as (
    select * from int_summed_profiles
),

captures as (
    select * from int_counted_captures
),

samples as (
    select * from stg_profile_samples
),

sites as (
    select * from int_stack_sites
),

sampled as (
    select
        summed.build_id,
        summed.run_id,
        case summed.sample_type
            when 'alloc_space' then 'alloc_bytes'
            when 'alloc_objects' then 'alloc_objects'
            when 'inuse_space' then 'inuse_bytes'
            when 'inuse_objects' then 'inuse_objects'
            when 'delay' then summed.kind || '_delay_ns'
            else summed.kind || '_contentions'
        end as metric,
        samples.stack_id,
        summed.sign * samples.value::double as value,
        if(ends_with(summed.sample_type, '_space'), summed.sign * samples.value::double * summed.sampling_period, null)
            as variance,
    from samples
    inner join summed
        on summed.summed_id = samples.capture_id
        and summed.sample_type = samples.sample_type
    union all
    select
        captures.build_id,
        captures.run_id,
        'cpu_ns',
        samples.stack_id,
        samples.value::double,
        samples.value::double * greatest(samples.sampling_period, 1),
    from samples
    inner join captures using (capture_id)
    where captures.kind = 'cpu' and samples.sample_type = 'cpu'
),

nested as (
    select
        sampled.build_id,
        sampled.run_id,
        sampled.metric,
        unnest(list_distinct(sites.user_functions)) as caller,
        sampled.value,
        sampled.variance,
    from sampled
    inner join sites
        on sites.build_id = sampled.build_id
        and sites.stack_id = sampled.stack_id
    where sites.is_user_code
        and not (starts_with(sampled.metric, 'block_') and sites.waits_for_work)
        and not (sampled.metric = 'block_contentions' and sites.waits_for_request)
)

-- Beyond 2^53 no sum is exact: the last digit does not follow from how rows came.
select build_id, run_id, metric, caller, sum(value) as value, list_sum(list_sort(list(variance))) as variance,
from nested
group by build_id, run_id, metric, caller
having sum(value) > 0
