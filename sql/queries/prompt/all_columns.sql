-- Every table's columns, those of public tables first.
select table_name, column_name
from duckdb_columns()
where not internal
order by regexp_matches(table_name, '^(int|stg)?_'), table_name, column_index
