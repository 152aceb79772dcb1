-- The kinds of captures that a build has.
select distinct kind
from captures
where build_id = $build_id
order by kind
