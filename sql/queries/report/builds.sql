-- The builds, for a table at the end.
select build_id, commit, branch, committed_at, go_version, run_count, capture_count
from builds
order by ordinal
