-- Metrics in traces: heap live, heap goal, GOMAXPROCS.
-- grain: capture_id, ts_ns, name
select capture_id, ts_ns, name, value,
from trace_metrics
