-- Every table and view, with what it holds.
select table_name, comment
from (
    select table_name, comment from duckdb_tables()
    union all
    select view_name, comment from duckdb_views() where not internal
)
order by all
