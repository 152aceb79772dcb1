-- What each function allocated and still holds, maps among the rest; by caller too, where it is a shared helper.
-- grain: build_id, run_id, metric, subject
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

sites as (
    select * from int_stack_sites
),

growth as (
    select * from int_heap_sites
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

sampled as (
    select
        sized.build_id,
        sized.run_id,
        case sized.sample_type
            when 'alloc_space' then 'alloc_bytes'
            when 'alloc_objects' then 'alloc_objects'
            when 'inuse_space' then 'inuse_bytes'
            else 'inuse_objects'
        end as metric,
        sites.function,
        sites.calling_function as caller,
        sites.is_user_code,
        sized.value,
        case
            when sized.object_bytes > 0
                then sized.value * if(sized.sample_type in ('alloc_objects', 'inuse_objects'), 1, sized.object_bytes)
                    / (exp(least(sized.object_bytes / greatest(sized.sampling_period, 1), 40)) - 1)
            when sized.sample_type in ('alloc_objects', 'inuse_objects') then null
            else sized.value::double * sized.sampling_period
        end as variance,
    from sized
    inner join sites
        on sites.build_id = sized.build_id
        and sites.stack_id = sized.stack_id
),

-- Of functions alone, and of functions by who calls them.
figures as (
    -- In order: the last digit of a sum of fractions does not follow from how rows came.
    select build_id, run_id, metric, function, caller, sum(value)::double as value,
        sqrt(greatest(list_sum(list_sort(list(variance))), 0)) as standard_error, bool_or(is_user_code) as is_user_code,
    from sampled
    group by grouping sets ((build_id, run_id, metric, function), (build_id, run_id, metric, function, caller))
    having sum(value) > 0 and (grouping(caller) = 1 or (caller is not null and metric in ('alloc_bytes', 'inuse_bytes')))
)

select
    build_id,
    run_id,
    metric,
    function || coalesce(' from ' || caller, '') as subject,
    function,
    caller as calling_function,
    value,
    coalesce(
        standard_error,
        value * max(standard_error / value)
            over (partition by build_id, run_id, function, caller, split_part(metric, '_', 1))
    ) as standard_error,
    'heap profile' as evidence,
    is_user_code::int as polarity,
from figures
union all by name
select
    growth.build_id,
    growth.run_id,
    'growth_inuse_bytes' as metric,
    growth.function as subject,
    growth.function,
    sum(growth.run_growth_bytes)::double as value,
    -- Of what was in use at first as of what is: the objects are of the same sizes.
    sqrt(sum(2.0 * growth.inuse_bytes - growth.run_growth_bytes) / any_value(in_use.value)) * any_value(in_use.standard_error)
        as standard_error,
    'heap profile' as evidence,
from growth
left join figures as in_use
    on in_use.build_id = growth.build_id
    and in_use.run_id = growth.run_id
    and in_use.metric = 'inuse_bytes'
    and in_use.function = growth.function
    and in_use.caller is null
where growth.run_growth_bytes is not null
group by growth.build_id, growth.run_id, growth.function
having sum(growth.run_growth_bytes) > 0
