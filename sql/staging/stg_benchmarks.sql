-- Results of go test -bench, one row for each unit.
-- grain: capture_id, line, metric
select capture_id, line, metric, package, name, procs, iterations, unit, better, value, labels,
from benchmarks
