-- The metrics that are judged.
select distinct metric as name
from regression_history
order by name
