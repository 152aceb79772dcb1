-- Which function of the user's code calls which, one above the other in a stack, the standard library between left out.
-- grain: build_id, function, calling_function
-- scope: build
with

sites as (
    select * from int_stack_sites
)

select distinct build_id, user_functions[1] as function, user_functions[2] as calling_function,
from sites
where user_functions[2] is not null
