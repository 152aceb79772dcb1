-- What each goroutine did when: one row for each stay in a state.
-- grain: capture_id, goroutine_id, start_ns
select capture_id, goroutine_id, start_ns, state, reason, duration_ns, is_complete, stack_id, waker_goroutine_id,
    waker_stack_id,
from goroutine_intervals
