-- The median of each benchmark in a run, by unit. A rate is better when it is higher, a known cost when it is lower.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- Of any other unit its Unit line may say which way is better.
with

benchmarks as (
    select * from int_benchmark_runs
)

select
    build_id,
    run_id,
    'bench ' || unit as metric,
    subject,
    value,
    standard_error,
    'benchmark' as evidence,
    unit,
    case
        when ends_with(unit, '/s') then -1
        when unit in ('sec/op', 'B/op', 'allocs/op') then 1
        when better = 'higher' then -1
        when better = 'lower' then 1
    end as polarity,
from benchmarks
