-- Every function with the first name it is known by, through all its moves.
-- grain: function
-- scope: history
with recursive

names as (
    select * from int_function_names
),

moves as (
    select * from int_function_moves
),

lineages as (
    select names.function, names.function as first_function, 0::bigint as since_ordinal,
    from names
    left join moves on moves.new_function = names.function
    where moves.new_function is null
    union all
    select moves.new_function, lineages.first_function, moves.ordinal,
    from lineages
    inner join moves on moves.old_function = lineages.function
)

select function, first_function, since_ordinal,
from lineages
