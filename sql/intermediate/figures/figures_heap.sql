-- What each function allocated and still holds, maps among the rest; by caller too, where it is a shared helper.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- The variance of sampled bytes: each sample stands for the bytes between two of them on average. Objects are as
-- uncertain as their bytes.
with

chosen as (
    select * from int_heap_captures
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
        sites.function,
        sites.calling_function as caller,
        sites.is_user_code,
        samples.value,
        if(chosen.sample_type in ('alloc_space', 'inuse_space'), samples.value::double * chosen.sampling_period, null)
            as variance,
    from samples
    inner join chosen
        on chosen.capture_id = samples.capture_id
        and chosen.sample_type = samples.sample_type
    inner join sites
        on sites.build_id = chosen.build_id
        and sites.stack_id = samples.stack_id
    where samples.value > 0
),

periods as (
    select build_id, run_id, max(sampling_period) as sampling_period,
    from chosen
    where sample_type = 'inuse_space'
    group by build_id, run_id
),

-- Of functions alone, and of functions by who calls them.
figures as (
    select build_id, run_id, metric, function, caller, sum(value)::double as value, sqrt(sum(variance)) as standard_error,
        bool_or(is_user_code) as is_user_code,
    from sampled
    group by grouping sets ((build_id, run_id, metric, function), (build_id, run_id, metric, function, caller))
    having grouping(caller) = 1 or (caller is not null and metric in ('alloc_bytes', 'inuse_bytes'))
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
    build_id,
    run_id,
    'growth_inuse_bytes' as metric,
    function as subject,
    function,
    sum(run_growth_bytes)::double as value,
    sqrt(sum(2.0 * inuse_bytes - run_growth_bytes) * any_value(periods.sampling_period)) as standard_error,
    'heap profile' as evidence,
from growth
inner join periods using (build_id, run_id)
where run_growth_bytes is not null
group by build_id, run_id, function
having sum(run_growth_bytes) > 0
