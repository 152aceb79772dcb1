-- What else can stand in a statement: keywords, and functions that have names.
select word
from (
    select keyword_name as word, 1 as place from duckdb_keywords()
    union all
    select function_name, 2 from duckdb_functions()
)
where regexp_matches(word, '^[a-z]\w+$')
group by word
order by min(place), word
