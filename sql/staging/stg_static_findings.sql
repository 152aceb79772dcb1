-- What analyzers found in the source.
-- grain: capture_id, finding_index
select capture_id, finding_index, tool, rule, level, message, file, line, "column", is_suppressed,
from static_findings
