-- The metrics that anything was measured in.
select distinct metric as name
from observations
order by name
