-- What goroutines did around an exemplar, as it was kept when the raw intervals went.
select
    goroutine_id,
    null::varchar as entry_function,
    start_ns,
    duration_ns,
    state,
    reason,
    function,
    file,
    line,
    waker_goroutine_id,
    waker_function,
    waker_file,
    waker_line,
    -- Which waits the window is about is told when they are put into lanes.
    false as is_focus,
from int_exemplar_intervals
where capture_id = $capture_id and start_ns < $to_ns and start_ns + duration_ns > $from_ns
order by goroutine_id, start_ns
