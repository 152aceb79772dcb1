-- The programs that a build's runs are of, where these are different ones.
select distinct program
from int_run_programs
where build_id = $build_id
order by program
