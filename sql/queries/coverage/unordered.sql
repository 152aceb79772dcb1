-- The builds that are set aside: nothing says where they belong among the builds.
select build_id as name
from builds
where not is_ordered
order by ordinal
