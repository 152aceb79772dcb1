-- What build.json says of each build.
-- grain: build_id
select build_id, commit, branch, committed_at, go_version, labels, listed_position,
from build_manifests
