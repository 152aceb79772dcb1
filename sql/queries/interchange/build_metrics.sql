-- The metrics by which call paths of a build are known.
select distinct metric,
from int_stack_costs
where build_id = $build_id
order by metric
