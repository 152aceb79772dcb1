-- What of a build could not be loaded.
select path, message, is_unknown_kind
from load_failures
where build_id = $build_id
order by path
