-- The conditions, less those that builds may differ in.
select *
from published.main.int_build_loads
where not list_contains($ignored, condition)
