-- The benchmarks below which each function of the user's code runs, of itself or of what it calls.
-- grain: build_id, function, benchmark
-- scope: build
with

sites as (
    select * from int_stack_sites
),

paths as (
    select * from int_benchmark_paths
)

select distinct paths.build_id, unnest(sites.user_functions) as function, paths.benchmark,
from paths
inner join sites
    on sites.build_id = paths.build_id
    and sites.stack_id = paths.stack_id
