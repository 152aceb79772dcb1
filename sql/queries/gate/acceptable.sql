-- The verdicts that can be accepted.
select build_id, first_build_id, metric, subject, function
from regressions
where status in ('regressed', 'not_comparable')
