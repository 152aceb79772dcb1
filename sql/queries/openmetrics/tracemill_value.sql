-- A judged series' figure at the newest build that has it.
select metric, subject, unit, build_id, value
from regression_history
qualify row_number() over (partition by metric, first_subject order by ordinal desc) = 1
order by metric, subject
