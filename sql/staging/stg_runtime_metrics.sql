-- What a program said of its runtime, by the names of runtime/metrics.
-- grain: capture_id, snapshot_index, series_index
select capture_id, snapshot_index, series_index, at_unix_ns, name, value,
from runtime_metrics
