-- What goroutines did in a window of a trace, with the places in the user's code where they stood.
select
    intervals.goroutine_id,
    goroutines.entry_function,
    intervals.start_ns,
    intervals.duration_ns,
    intervals.state,
    coalesce(intervals.reason, if(intervals.state = 'waiting', sites.parked_reason, null)) as reason,
    sites.function,
    sites.file,
    sites.line,
    intervals.waker_goroutine_id,
    wakers.function as waker_function,
    wakers.file as waker_file,
    wakers.line as waker_line,
    -- Which waits the window is about is told when they are put into lanes.
    false as is_focus,
from goroutine_intervals as intervals
left join captures using (capture_id)
left join goroutines
    on goroutines.capture_id = intervals.capture_id
    and goroutines.goroutine_id = intervals.goroutine_id
left join int_stack_sites as sites
    on sites.build_id = captures.build_id
    and sites.stack_id = intervals.stack_id
left join int_stack_sites as wakers
    on wakers.build_id = captures.build_id
    and wakers.stack_id = intervals.waker_stack_id
where intervals.capture_id = $capture_id
    and intervals.start_ns < $to_ns
    and intervals.start_ns + intervals.duration_ns > $from_ns
order by intervals.goroutine_id, intervals.start_ns
