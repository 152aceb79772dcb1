-- CPU time by function: with the standard library that it calls, with all that it calls; and of the whole process.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- A sample is a count: the variance of its nanoseconds is what one sample stands for, times as many.
with

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
        captures.build_id,
        captures.run_id,
        sites.function,
        sites.is_user_code,
        sites.user_functions,
        samples.value,
        samples.value::double * greatest(samples.sampling_period, 1) as variance,
    from samples
    inner join captures using (capture_id)
    inner join sites
        on sites.build_id = captures.build_id
        and sites.stack_id = samples.stack_id
    where captures.kind = 'cpu' and samples.sample_type = 'cpu' and samples.value > 0
),

figures as (
    select build_id, run_id, 'cpu_ns' as metric, function, is_user_code, value, variance,
    from sampled
    union all
    select build_id, run_id, 'cpu_under_ns', unnest(list_distinct(user_functions)), true, value, variance,
    from sampled
)

select
    build_id,
    run_id,
    metric,
    function as subject,
    function,
    sum(value)::double as value,
    sqrt(sum(variance)) as standard_error,
    'cpu profile' as evidence,
    bool_or(is_user_code)::int as polarity,
from figures
where function is not null
group by build_id, run_id, metric, function
union all
select
    build_id,
    run_id,
    'process_cpu_ns',
    'program',
    null,
    sum(value)::double,
    sqrt(sum(variance)),
    'cpu profile',
    1,
from sampled
group by build_id, run_id
