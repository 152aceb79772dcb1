-- What each function allocated and still holds, maps among the rest; by caller too, where it is a shared helper.
-- grain: build_id, run_id, metric, subject
-- scope: build
with

samples as (
    select * from int_heap_samples
),

sites as (
    select * from int_stack_sites
),

growth as (
    select * from int_heap_sites
),

sampled as (
    select
        samples.build_id,
        samples.run_id,
        case samples.sample_type
            when 'alloc_space' then 'alloc_bytes'
            when 'alloc_objects' then 'alloc_objects'
            when 'inuse_space' then 'inuse_bytes'
            else 'inuse_objects'
        end as metric,
        sites.function,
        sites.calling_function as caller,
        sites.is_user_code,
        samples.value,
        samples.variance,
    from samples
    inner join sites
        on sites.build_id = samples.build_id
        and sites.stack_id = samples.stack_id
),

-- Of functions alone, and of functions by who calls them.
figures as (
    -- In order: the last digit of a sum of fractions does not follow from how rows came.
    select build_id, run_id, metric, function, caller, sum(value)::double as value,
        sqrt(list_sum(list_sort(list(variance)))) as standard_error, bool_or(is_user_code) as is_user_code,
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
