-- What each benchmark of a run says of one operation, as the mean of its repeats by how often each went around.
-- grain: build_id, run_id, benchmark, unit
-- scope: build
-- value is in ns, bytes or allocations. doubt: the variance of value by its repeats, over its square. Sub-benchmarks, and one
-- benchmark on several numbers of processors, run below one function: what is whose no profile tells, and they are left out.
with

captures as (
    select * from stg_captures
),

benchmarks as (
    select * from stg_benchmarks
),

lines as (
    select
        captures.build_id,
        captures.run_id,
        concat_ws('.', nullif(benchmarks.package, ''), 'Benchmark' || split_part(benchmarks.name, '/', 1)) as benchmark,
        benchmarks.name,
        coalesce(benchmarks.procs, 1) as procs,
        benchmarks.unit,
        benchmarks.iterations,
        benchmarks.value * if(benchmarks.unit = 'sec/op', 1e9, 1) as value,
    from benchmarks
    inner join captures using (capture_id)
    where benchmarks.unit in ('sec/op', 'B/op', 'allocs/op')
        and benchmarks.iterations > 0
        and isfinite(benchmarks.value)
),

several as (
    select build_id, run_id, benchmark,
    from lines
    group by build_id, run_id, benchmark
    having count(distinct (name, procs)) > 1 or bool_or(contains(name, '/'))
)

select
    build_id,
    run_id,
    benchmark,
    unit,
    any_value(procs) as procs,
    sum(iterations)::double as iterations,
    list_sum(list_sort(list(iterations * value))) / sum(iterations) as value,
    coalesce(list_var_samp(list_sort(list(value))), 0) / count(*)
        / nullif(pow(list_sum(list_sort(list(iterations * value))) / sum(iterations), 2), 0) as doubt,
from lines
anti join several using (build_id, run_id, benchmark)
group by build_id, run_id, benchmark, unit
