-- The observations of the builds chosen.
select *
from published.main.observations
where build_id = $candidate or list_contains($chosen, build_id)
