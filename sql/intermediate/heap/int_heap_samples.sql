-- What heap profiles show of each stack in a run: bytes and objects allocated and in use, and the variance of their sampling.
-- grain: build_id, run_id, sample_type, stack_id
-- scope: build
-- The variance of what is sampled: an object is in the profile with probability 1 - exp(-size/period), so that small ones
-- stand for the bytes between two samples, and large ones are nearly all there. One sample of a tiny object stands for
-- thousands of objects, and of few bytes among those of large ones: objects may be far less certain than their bytes.
with

summed as (
    select * from int_summed_profiles
    where kind = 'heap'
),

samples as (
    select * from stg_profile_samples
),

-- A sample's objects are of one size.
sized as (
    select
        summed.build_id,
        summed.run_id,
        summed.sample_type,
        summed.sampling_period,
        samples.stack_id,
        summed.sign * samples.value as value,
        max(samples.value) filter (where summed.sample_type in ('alloc_space', 'inuse_space')) over sample
        / nullif(max(samples.value) filter (where summed.sample_type in ('alloc_objects', 'inuse_objects')) over sample, 0)
            as object_bytes,
    from samples
    inner join summed
        on summed.summed_id = samples.capture_id
        and summed.sample_type = samples.sample_type
    where samples.value > 0
    window sample as (
        partition by summed.capture_id, summed.summed_id, samples.sample_index, starts_with(summed.sample_type, 'alloc')
    )
),

varied as (
    select
        *,
        case
            when object_bytes > 0
                then value * if(sample_type in ('alloc_objects', 'inuse_objects'), 1, object_bytes)
                    / (exp(least(object_bytes / greatest(sampling_period, 1), 40)) - 1)
            when sample_type in ('alloc_objects', 'inuse_objects') then null
            else value::double * sampling_period
        end as variance,
    from sized
)

-- In order: the last digit of a sum of fractions does not follow from how rows came.
-- Of a difference of two profiles it may come to next to nothing on either side of zero.
select build_id, run_id, sample_type, stack_id, sum(value)::bigint as value,
    if(count(variance) > 0, greatest(list_sum(list_sort(list(variance))), 0), null) as variance,
from varied
group by build_id, run_id, sample_type, stack_id
having sum(value) > 0
