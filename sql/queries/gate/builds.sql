-- Every build, by when it was committed.
select build_id, commit, ordinal
from builds
order by ordinal
