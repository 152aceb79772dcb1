-- The runs of a build, what it was divided by, and what its figures rest on.
select measure, run_count, per, divisor,
from int_build_measures
where build_id = $build_id
