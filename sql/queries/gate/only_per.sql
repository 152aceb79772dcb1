-- Metrics whose figures the candidate has in another unit than most builds: per second, not per unit of work.
select distinct h.metric, coalesce(m.per, 'run') as per
from (select distinct metric, measure from regression_history) as h
inner join int_run_measures as m using (measure)
where m.build_id = $candidate and not m.is_comparable
