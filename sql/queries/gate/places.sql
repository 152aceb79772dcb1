-- Where the functions of a build stand in the code, each beside the first name that it had.
select coalesce(lineages.first_function, places.function) as first_function, places.function,
    any_value(places.file) as file, any_value(places.line) as line,
from int_function_places as places
left join int_lineages as lineages using (function)
where places.build_id = $build_id
group by all
