-- The metrics of a capture within a range of time.
select name, ts_ns, value,
from trace_metrics
where capture_id = $capture_id and ts_ns between $from_ns and $to_ns
order by name, ts_ns
