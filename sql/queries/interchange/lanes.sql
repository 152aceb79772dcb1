-- What each goroutine of a capture did, as far as it lies within a range of time, with who woke it.
select intervals.goroutine_id, intervals.start_ns, intervals.duration_ns, intervals.state, intervals.reason,
    intervals.waker_goroutine_id, goroutines.entry_function, stacks.functions,
from goroutine_intervals as intervals
left join goroutines
    on goroutines.capture_id = intervals.capture_id
    and goroutines.goroutine_id = intervals.goroutine_id
left join stacks on stacks.stack_id = intervals.stack_id
where intervals.capture_id = $capture_id
    and intervals.start_ns < $to_ns and intervals.start_ns + intervals.duration_ns > $from_ns
order by intervals.goroutine_id, intervals.start_ns
