-- The sources of which a build's figures are per second, since no run says how much it did.
select distinct measure
from int_run_measures
where build_id = $build_id and per = 's' and is_comparable
order by measure
