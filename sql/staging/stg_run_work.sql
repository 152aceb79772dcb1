-- Units of work that each run did.
-- grain: build_id, run_id, work_unit
select build_id, run_id, work_unit, work_count,
from run_work
