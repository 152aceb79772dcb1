-- The builds whose captures lie in no run's folder, and so count as those of one run.
select distinct build_id as name, builds.ordinal
from int_run_measures
inner join metric_sources using (measure)
inner join builds using (build_id)
where run_id = '' and kinds <> ['binary'] and builds.run_count = 0
order by builds.ordinal
