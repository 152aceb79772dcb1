-- The tables and marts, with what they hold; with is_all the models between them too, behind.
with

named as (
    select table_name, comment from duckdb_tables()
    union all
    select view_name, comment from duckdb_views() where not internal
)

select table_name, comment
from named
where $is_all or not regexp_matches(table_name, '^(int|stg)?_')
order by regexp_matches(table_name, '^(int|stg)?_'), table_name
