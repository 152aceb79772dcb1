-- How many verdicts of a status a build made certain.
select build_id, status, count(*) as verdicts
from regressions
inner join builds using (build_id)
group by build_id, status, ordinal
order by ordinal, status
