-- Every build, by when it was committed.
select build_id, commit, ordinal, is_ordered
from builds
order by ordinal
