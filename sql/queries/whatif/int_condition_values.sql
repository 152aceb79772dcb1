-- The conditions, less those that builds may differ in.
select *
from published.main.int_condition_values
where not list_contains($ignored, condition)
