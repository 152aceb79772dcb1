-- The leading verdict of each regression that nobody accepted, in the order of the builds.
select r.build_id, r.metric, r.subject, r.unit, r.before, r.after, r.change_ratio, r.q_value,
    r.commit, r.evidence,
from regressions as r
inner join builds as b using (build_id)
anti join accepted_regressions using (build_id, metric, subject)
where r.status = 'regressed' and r.is_lead
order by b.ordinal, r.metric, r.subject
