-- Distinct data races that the race detector reported.
-- grain: capture_id, race_index
select
    capture_id,
    race_index,
    race_key,
    report_count,
    access,
    stack_id,
    function,
    file,
    line,
    previous_access,
    previous_stack_id,
    previous_function,
from race_reports
