-- A build's commit, module and release of Go.
select build_id, commit, module, go_version,
from builds
where build_id = $build_id
