-- What the series' figure was expected to be, by the builds before.
select metric, subject, unit, build_id, expected
from regression_history
qualify row_number() over (partition by metric, first_subject order by ordinal desc) = 1
order by metric, subject
