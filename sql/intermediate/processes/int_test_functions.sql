-- The functions of a build that stand in files of tests (_test.go): benchmarks, what they set up, and their helpers.
-- grain: build_id, function
-- scope: build
-- DuckDB's own: list_filter with a lambda, list_zip.
with

sites as (
    select * from int_stack_sites
),

stacks as (
    select * from stg_stacks
),

framed as (
    select stack_id, list_filter(list_zip(functions, files), lambda f: ends_with(f[2], '_test.go')) as frames,
    from stacks
)

select distinct sites.build_id, unnest(framed.frames)[1] as function,
from sites
inner join framed using (stack_id)
where len(framed.frames) > 0
