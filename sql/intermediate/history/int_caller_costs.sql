-- What each function cost with all that it calls: contention, system calls, CPU time, and memory that is allocated and kept.
-- grain: build_id, run_id, metric, caller
-- scope: build
-- variance is that of sampled figures. Of an operation of a benchmark it is that of callers below it.
with

costs as (
    select * from int_site_costs
),

sampled as (
    select * from int_sampled_caller_costs
),

calls as (
    select * from int_system_call_costs
),

operations as (
    select * from int_benchmark_caller_costs
),

-- A function that calls itself counts once.
nested as (
    select build_id, run_id, metric, unnest(list_distinct(list_prepend(function, callers))) as caller, value,
    from costs
    union all
    select build_id, run_id, 'syscall_ns', unnest(list_distinct(user_functions)), duration_ns,
    from calls
    union all
    select build_id, run_id, 'syscall_count', unnest(list_distinct(user_functions)), call_count::double,
    from calls
)

select build_id, run_id, metric, caller, sum(value) as value, null::double as variance,
from nested
group by build_id, run_id, metric, caller
union all
select build_id, run_id, metric, caller, value, variance,
from sampled
union all
select build_id, run_id, metric, function || ' from ' || benchmark, value, variance,
from operations
