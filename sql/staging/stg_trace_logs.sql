-- User log messages in traces.
-- grain: capture_id, ts_ns, goroutine_id
select capture_id, ts_ns, goroutine_id, category, message,
from trace_logs
