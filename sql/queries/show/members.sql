-- The verdicts of an incident, the one that leads it first.
select verdicts.build_id, verdicts.metric, verdicts.subject, verdicts.function, verdicts.status, verdicts.unit,
    verdicts.before, verdicts.after, verdicts.change_ratio, verdicts.q_value, verdicts.is_lead,
from regressions as verdicts
left join builds using (build_id)
left join int_incident_members as members using (build_id, metric, subject)
where verdicts.incident_id = $incident_id
order by not verdicts.is_lead, members.weight desc, verdicts.metric, verdicts.subject
