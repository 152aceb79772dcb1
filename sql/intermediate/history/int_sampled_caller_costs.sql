-- What profiles show each function to cost with all that it calls: CPU time, contention, all memory.
-- grain: build_id, run_id, metric, caller
-- scope: build
-- As the figures have it of functions alone. variance: of the sampling, where it is known.
with

chosen as (
    select * from int_heap_captures
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
        chosen.build_id,
        chosen.run_id,
        case chosen.sample_type
            when 'alloc_space' then 'alloc_bytes'
            when 'alloc_objects' then 'alloc_objects'
            when 'inuse_space' then 'inuse_bytes'
            else 'inuse_objects'
        end as metric,
        samples.stack_id,
        samples.value::double as value,
        if(ends_with(chosen.sample_type, '_space'), samples.value::double * chosen.sampling_period, null) as variance,
    from samples
    inner join chosen
        on chosen.capture_id = samples.capture_id
        and chosen.sample_type = samples.sample_type
    union all
    select
        captures.build_id,
        captures.run_id,
        case samples.sample_type
            when 'cpu' then 'cpu_ns'
            when 'delay' then replace(captures.kind, '_text', '') || '_delay_ns'
            else replace(captures.kind, '_text', '') || '_contentions'
        end,
        samples.stack_id,
        samples.value::double,
        if(samples.sample_type = 'cpu', samples.value::double * greatest(samples.sampling_period, 1), null),
    from samples
    inner join captures using (capture_id)
    where (captures.kind = 'cpu' and samples.sample_type = 'cpu')
        or (
            captures.kind in ('mutex', 'mutex_text', 'block', 'block_text')
            and samples.sample_type in ('delay', 'contentions')
        )
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
        and sampled.value > 0
        and not (starts_with(sampled.metric, 'block_') and sites.waits_for_work)
        and not (sampled.metric = 'block_contentions' and sites.waits_for_request)
)

select build_id, run_id, metric, caller, sum(value) as value, sum(variance) as variance,
from nested
group by build_id, run_id, metric, caller
