-- How many goroutines there were at each run's end, how many of them are leaked, and how many more they became.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- Where goroutines began that no trace tells of is no function: their number belongs to what explains it.
with

counted as (
    select * from int_goroutine_counts
),

dumped as (
    select * from goroutine_states
)

select
    build_id,
    run_id,
    metric,
    function || coalesce(' (' || state || ')', '') as subject,
    nullif(function, 'unknown') as function,
    state as wait_reason,
    goroutine_count::double as value,
    measure as evidence,
from counted
union all by name
select
    build_id,
    run_id,
    'growth_goroutine_count' as metric,
    coalesce(nullif(created_by, ''), 'the runtime') as subject,
    subject as function,
    (sum(goroutine_count) - sum(first_goroutine_count))::double as value,
    'goroutine_growth' as evidence,
from dumped
where dump_count > 1
group by build_id, run_id, subject
having value > 0
