-- What each function costs an operation of each benchmark below which it runs: CPU time, bytes and objects allocated.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- The benchmark stands for the caller. The variance is that of the function's share of what is below the benchmark, whose sum is no chance.
with

costs as (
    select * from int_benchmark_costs
),

sites as (
    select * from int_stack_sites
),

-- In order: the last digit of a sum of fractions does not follow from how rows came.
sums as (
    select
        costs.build_id,
        costs.run_id,
        costs.metric,
        sites.function,
        costs.benchmark,
        list_sum(list_sort(list(costs.value))) as value,
        list_sum(list_sort(list(costs.variance))) as variance,
        max(costs.variance / costs.value) as one_sample,
        any_value(costs.benchmark_value) as benchmark_value,
        any_value(costs.benchmark_variance) as benchmark_variance,
        any_value(costs.doubt) as doubt,
    from costs
    inner join sites
        on sites.build_id = costs.build_id
        and sites.stack_id = costs.stack_id
    group by costs.build_id, costs.run_id, costs.metric, sites.function, costs.benchmark
),

shared as (
    select *, value / benchmark_value as share,
    from sums
)

select
    build_id,
    run_id,
    metric,
    function || ' from ' || benchmark as subject,
    function,
    benchmark as calling_function,
    value,
    sqrt(
        greatest(
            pow(1 - share, 2) * variance + pow(share, 2) * greatest(benchmark_variance - variance, 0),
            if(metric = 'benchmark_cpu_ns', pow(one_sample, 2), 0)
        ) + pow(value, 2) * doubt
    ) as standard_error,
    if(metric = 'benchmark_cpu_ns', 'cpu profile', 'heap profile') as evidence,
from shared
