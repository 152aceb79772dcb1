-- The functions of the user's code that stand in any stack of a build, whatever it costs there.
-- grain: build_id, function
-- scope: build
with

sites as (
    select * from int_stack_sites
)

select distinct build_id, unnest(user_functions) as function,
from sites
