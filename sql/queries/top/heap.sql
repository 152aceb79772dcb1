-- What functions of a build allocated and still hold, and for how many units of work it stays in use.
select 1 as place, * exclude (build_id),
from heap_age
where build_id = $build_id
order by alloc_bytes desc, inuse_bytes desc, function
