-- What somebody accepted at a build.
select metric, subject, accepted_by, accepted_reason,
from accepted_regressions
where build_id = $build_id
