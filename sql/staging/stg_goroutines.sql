-- Goroutines seen in traces.
-- grain: capture_id, goroutine_id
select capture_id, goroutine_id, entry_function, created_ns, ended_ns,
from goroutines
