-- Which function calls which at a build, each by the first name that it had.
select
    calls.build_id,
    coalesce(called.first_function, calls.function) as function,
    coalesce(calling.first_function, calls.calling_function) as calling_function,
from int_user_calls as calls
left join int_lineages as called using (function)
left join int_lineages as calling on calling.function = calls.calling_function
where calls.build_id = $build_id
