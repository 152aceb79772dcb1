-- Call stacks, leaf first: all that the captures name, and what else stands in the files that they share.
-- grain: stack_id
-- Functions by plain names: traces say F[...] where profiles say F[go.shape.int]; the compiler's wrappers of go and defer
-- statements and of method values, and the bodies of loops over functions, are the function that they stand in.
-- DuckDB's own: list_transform with a lambda.
select
    stack_id,
    path_id,
    list_transform(
        functions,
        lambda f: case
            when contains(f, '::') then f
            when contains(f, '[') or contains(f, 'wrap') or contains(f, '-') then regexp_replace(
                regexp_replace(f, '\[.*\]', '[...]'), '(\.(defer|go)wrap\d+|-range\d+|-fm)+(\.func|$)', '\3'
            )
            else f
        end
    ) as functions,
    files,
    lines,
    pcs,
from stacks
