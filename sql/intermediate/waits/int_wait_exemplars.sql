-- The longest wait in each function, by reason: where in which capture it can be seen.
-- grain: build_id, function, wait_reason
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
)

select
    captures.build_id,
    kinds.function,
    kinds.wait_reason,
    arg_max(intervals.capture_id, intervals.duration_ns) as capture_id,
    arg_max(intervals.goroutine_id, intervals.duration_ns) as goroutine_id,
    arg_max(intervals.start_ns, intervals.duration_ns) as start_ns,
    max(intervals.duration_ns) as duration_ns,
from intervals
inner join captures using (capture_id)
inner join kinds
    on kinds.build_id = captures.build_id
    and kinds.stack_id = intervals.stack_id
    and kinds.reason = coalesce(intervals.reason, 'unknown')
where intervals.state = 'waiting' and kinds.is_contention
group by captures.build_id, kinds.function, kinds.wait_reason
