-- The releases of Go and the commits of two builds.
select build_id, go_version, commit,
from builds
where build_id in ($before, $after)
