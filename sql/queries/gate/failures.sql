-- What of a build could not be loaded.
select path, message
from load_failures
where build_id = $build_id
order by path
