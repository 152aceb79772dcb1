-- CPU time by function: with the standard library that it calls, with all that it calls; and of the whole process.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- A sample is a count: the variance of its nanoseconds is what one sample stands for, times as many, but for the share that
-- the function has of all. A thread is sampled whenever it has used so much time: how many samples there are at all is no
-- chance, but for a sample more or less.
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
        greatest(samples.sampling_period, 1)::double as period,
        sum(samples.value) over (partition by captures.build_id, captures.run_id)::double as of_program,
    from samples
    inner join captures using (capture_id)
    inner join sites
        on sites.build_id = captures.build_id
        and sites.stack_id = samples.stack_id
    where captures.kind = 'cpu' and samples.sample_type = 'cpu' and samples.value > 0
),

figures as (
    select build_id, run_id, 'cpu_ns' as metric, function, is_user_code, value, period, of_program,
    from sampled
    union all
    select build_id, run_id, 'cpu_under_ns', unnest(list_distinct(user_functions)), true, value, period, of_program,
    from sampled
)

select
    build_id,
    run_id,
    metric,
    function as subject,
    function,
    sum(value)::double as value,
    sqrt(greatest(sum(value * period) * (1 - sum(value) / any_value(of_program)), max(period) ** 2)) as standard_error,
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
    max(period),
    'cpu profile',
    1,
from sampled
group by build_id, run_id
