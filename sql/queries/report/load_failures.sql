-- The inputs that could not be loaded.
select build_id, path, message
from load_failures
order by all
