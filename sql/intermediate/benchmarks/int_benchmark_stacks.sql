-- The benchmarks below which each function of the user's code runs, of itself or of what it calls.
-- grain: build_id, function, benchmark
-- scope: build
-- A benchmark is told by the name that go test asks of it, with its package: example.org/lru.BenchmarkGet.
-- DuckDB's own: list_filter and list_transform with a lambda.
with

sites as (
    select * from int_stack_sites
),

rooted as (
    select
        build_id,
        user_functions,
        list_filter(
            list_transform(user_functions, lambda f: regexp_extract(f, '^(.*?\.Benchmark([^a-z./][^./]*)?)(\.|$)', 1)),
            lambda f: f <> ''
        )[-1] as benchmark,
    from sites
)

select distinct build_id, unnest(user_functions) as function, benchmark,
from rooted
where benchmark is not null
