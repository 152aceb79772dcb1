-- The execution traces of a build, or of all, the longest first.
select capture_id, build_id, path, duration_ns
from captures
where kind in ('trace', 'flight') and coalesce(build_id = $build, true)
order by duration_ns desc nulls last, path
