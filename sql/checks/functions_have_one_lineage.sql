-- Every function leads to exactly one first name.
select int_function_names.function, count(int_lineages.function) as lineage_count,
from int_function_names
left join int_lineages using (function)
group by int_function_names.function
having count(int_lineages.function) <> 1
