-- User regions (runtime/trace.StartRegion).
-- grain: capture_id, goroutine_id, start_ns, nesting
select
    capture_id,
    goroutine_id,
    start_ns,
    nesting,
    task_id,
    name,
    duration_ns,
    is_complete,
    stack_id,
from trace_regions
