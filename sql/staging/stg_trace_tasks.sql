-- User tasks (runtime/trace.NewTask).
-- grain: capture_id, task_id
select
    capture_id,
    task_id,
    name,
    parent_task_id,
    start_ns,
    duration_ns,
    is_complete,
    goroutine_id,
    stack_id,
from trace_tasks
