-- A build, by its place in the sequence of builds.
select build_id, commit, branch, go_version, ordinal
from builds
order by ordinal
