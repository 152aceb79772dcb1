-- Goroutines of dumps and crash reports.
-- grain: capture_id, report_index, goroutine_id
select capture_id, report_index, goroutine_id, state, reason, wait_minutes, stack_id, created_by,
    is_leaked,
from goroutine_dump
