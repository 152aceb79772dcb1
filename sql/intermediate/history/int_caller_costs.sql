-- What each function cost with all that it calls: contention, system calls, CPU time, and memory that is allocated and kept.
-- grain: build_id, run_id, metric, caller
-- scope: build
-- variance is that of sampled figures.
with

costs as (
    select * from int_site_costs
),

sampled as (
    select * from int_sampled_caller_costs
),

captures as (
    select * from int_counted_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

sites as (
    select * from int_stack_sites
),

calls as (
    select captures.build_id, captures.run_id, intervals.stack_id, sum(intervals.duration_ns)::double as syscall_ns,
        count(*)::double as syscall_count,
    from intervals
    inner join captures using (capture_id)
    where intervals.state = 'syscall'
    group by captures.build_id, captures.run_id, intervals.stack_id
),

call_costs as (
    select build_id, run_id, user_functions, metric, value,
    from calls
    inner join sites using (build_id, stack_id)
    unpivot (value for metric in (syscall_ns, syscall_count))
),

-- A function that calls itself counts once.
nested as (
    select build_id, run_id, metric, unnest(list_distinct(list_prepend(function, callers))) as caller, value,
    from costs
    union all
    select build_id, run_id, metric, unnest(list_distinct(user_functions)), value,
    from call_costs
)

select build_id, run_id, metric, caller, sum(value) as value, null::double as variance,
from nested
group by build_id, run_id, metric, caller
union all
select build_id, run_id, metric, caller, value, variance,
from sampled
