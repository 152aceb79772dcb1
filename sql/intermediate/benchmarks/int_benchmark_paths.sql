-- The benchmark below which each stack runs.
-- grain: build_id, stack_id
-- scope: build
-- A benchmark is told by the name that go test asks of it, with its package: example.org/lru.BenchmarkGet. Those of an
-- external test package (lru_test) are told of as the package's, and go test writes a dot that code has as %2e (yaml.v3).
-- is_of_its_goroutine: on the benchmark's own goroutine, no more than one thread at a time; not on those that RunParallel starts.
-- DuckDB's own: list_filter and list_transform with a lambda.
with

sites as (
    select * from int_stack_sites
),

stacks as (
    select * from stg_stacks
),

own as (
    select distinct stack_id
    from stacks
    where list_contains(functions, 'testing.(*B).runN')
),

rooted as (
    select
        build_id,
        stack_id,
        list_filter(
            list_transform(user_functions, lambda f: regexp_extract(f, '^(.*?\.Benchmark([^a-z./][^./]*)?)(\.|$)', 1)),
            lambda f: f <> ''
        )[-1] as benchmark,
    from sites
)

select
    rooted.build_id,
    rooted.stack_id,
    replace(regexp_replace(rooted.benchmark, '_test(\.Benchmark[^.]*)$', '\1'), '%2e', '.') as benchmark,
    own.stack_id is not null as is_of_its_goroutine,
from rooted
left join own using (stack_id)
where rooted.benchmark is not null
