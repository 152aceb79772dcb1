-- The conditions, less those that builds may differ in: all, or the named.
select *
from published.main.int_build_loads
where not list_has_any($ignored, ['all', lower(condition)])
