-- The metrics that any build has call paths of.
select distinct metric
from int_stack_costs
order by metric
