-- Goroutines that nothing can wake any more, and those that only become more from dump to dump, by function.
-- grain: build_id, run_id, evidence, function
-- scope: view
-- What the runtime calls leaked is: goroutineleak profiles, and dumps made of them. What only grows may be.
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
    if(metric = 'goroutine_leak_count', 'goroutineleak', 'dumped_leaks') as evidence,
    function,
    goroutine_count,
    null::bigint as first_goroutine_count,
from counted
where metric in ('goroutine_leak_count', 'dumped_leak_count')
union all
select
    build_id,
    run_id,
    'goroutine_growth',
    coalesce(function, 'unknown'),
    sum(goroutine_count)::bigint,
    sum(first_goroutine_count)::bigint,
from dumped
where is_growing
group by build_id, run_id, coalesce(function, 'unknown')
