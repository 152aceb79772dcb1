-- Every observation has a unit and a finite value.
select build_id, run_id, metric, subject, value, unit,
from observations
where value is null or not isfinite(value) or unit is null
