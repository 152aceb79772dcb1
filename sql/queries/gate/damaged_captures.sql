-- How many of a build's captures are damaged or tell of failures.
select count(*) as captures
from captures
where build_id = $build_id and status <> 'ok'
