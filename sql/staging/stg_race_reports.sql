-- Distinct data races that the race detector reported.
-- grain: capture_id, race_index
select capture_id, race_index, race_key, report_count, access, function, file, line, previous_access, previous_function,
from race_reports
