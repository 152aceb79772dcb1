-- A table's columns, with what they hold.
select column_name, data_type, comment
from duckdb_columns()
where table_name = $table_name
order by column_index
