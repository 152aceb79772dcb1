-- Which function of the user's code calls which, directly or through one other, the standard library left out.
-- grain: build_id, function, calling_function
-- scope: build
with

sites as (
    select * from int_stack_sites
),

calls as (
    select build_id, user_functions[1] as function, unnest(user_functions[2:3]) as calling_function,
    from sites
)

select distinct build_id, function, calling_function,
from calls
where calling_function <> function
