-- The builds' names.
select build_id as name
from builds
order by ordinal
