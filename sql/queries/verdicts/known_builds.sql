-- The builds' names, the newest last: none whose place nothing tells is the newest.
select build_id as name
from builds
order by is_ordered, ordinal
