-- Every verdict's status is a word of the vocabulary.
select regressions.build_id, regressions.metric, regressions.subject, regressions.status,
from regressions
left join verdict_statuses using (status)
where verdict_statuses.status is null
