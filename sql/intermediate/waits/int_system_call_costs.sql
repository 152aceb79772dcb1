-- What system calls cost by stack, with the user's functions that stand in it.
-- grain: build_id, run_id, stack_id
-- scope: build
-- duration_squares: sum of the squares of their durations.
with

captures as (
    select * from int_counted_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

sites as (
    select * from int_stack_sites
)

select
    captures.build_id,
    captures.run_id,
    intervals.stack_id,
    any_value(sites.function) as function,
    any_value(sites.is_user_code) as is_user_code,
    any_value(sites.user_functions) as user_functions,
    sum(intervals.duration_ns)::double as duration_ns,
    sum(intervals.duration_ns::double * intervals.duration_ns) as duration_squares,
    count(*) as call_count,
from intervals
inner join captures using (capture_id)
inner join sites
    on sites.build_id = captures.build_id
    and sites.stack_id = intervals.stack_id
where intervals.state = 'syscall'
group by captures.build_id, captures.run_id, intervals.stack_id
