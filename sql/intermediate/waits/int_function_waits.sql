-- Time that goroutines waited in each function, and whether the wait is contention or merely idleness.
-- grain: build_id, run_id, function, wait_reason
-- scope: build
with

captures as (
    select * from int_counted_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

kinds as (
    select * from int_wait_kinds
),

waits as (
    select
        captures.build_id,
        captures.run_id,
        kinds.function,
        kinds.wait_reason,
        kinds.is_contention,
        kinds.is_of_request,
        intervals.duration_ns,
    from intervals
    inner join captures using (capture_id)
    inner join kinds
        on kinds.build_id = captures.build_id
        and kinds.stack_id = intervals.stack_id
        and kinds.reason = coalesce(intervals.reason, 'unknown')
    where intervals.state = 'waiting'
)

select
    build_id,
    run_id,
    function,
    wait_reason,
    bool_or(is_contention) as is_contention,
    bool_or(is_of_request) as is_of_request,
    count(*) as block_count,
    sum(duration_ns)::bigint as block_ns,
    quantile_disc(duration_ns, 0.99)::bigint as p99_ns,
    sum(duration_ns::hugeint * duration_ns)::double as block_ns_variance,
from waits
group by build_id, run_id, function, wait_reason
