-- What orders the builds whose place is known.
select distinct order_source as name
from builds
where is_ordered
