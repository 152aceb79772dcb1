-- What system calls cost by stack, with the user's functions that stand in it.
-- grain: build_id, run_id, stack_id, metric
-- scope: build
with

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
)

select build_id, run_id, stack_id, user_functions, metric, value,
from calls
inner join sites using (build_id, stack_id)
unpivot (value for metric in (syscall_ns, syscall_count))
