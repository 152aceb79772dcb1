-- Verdicts that the build made certain, of incidents that were known before it.
select metric, subject, status, first_build_id, incident_id
from regressions
where build_id = $build_id
    and incident_id not in (select incident_id from incidents where build_id = $build_id)
order by status, metric, subject
