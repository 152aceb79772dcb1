-- What each function with all that it calls costs an operation of each benchmark below which it runs.
-- grain: build_id, run_id, metric, function, benchmark
-- scope: build
with

costs as (
    select * from int_benchmark_costs
),

sites as (
    select * from int_stack_sites
),

-- A function that calls itself counts once.
nested as (
    select costs.build_id, costs.run_id, costs.metric, unnest(list_distinct(sites.user_functions)) as function,
        costs.benchmark, costs.value, costs.variance,
    from costs
    inner join sites
        on sites.build_id = costs.build_id
        and sites.stack_id = costs.stack_id
)

-- In order: the last digit of a sum of fractions does not follow from how rows came.
select build_id, run_id, metric, function, benchmark,
    list_sum(list_sort(list(value))) as value, list_sum(list_sort(list(variance))) as variance,
from nested
group by build_id, run_id, metric, function, benchmark
