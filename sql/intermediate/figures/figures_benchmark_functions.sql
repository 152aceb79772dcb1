-- What each function costs one operation of each of its benchmarks together: CPU time, bytes and objects allocated.
-- grain: build_id, run_id, metric, subject
-- scope: history
with

sums as (
    select * from int_benchmark_sums
    where not is_with_all_below
)

select build_id, run_id, metric, function as subject, function, value, sqrt(variance) as standard_error,
    if(metric = 'benchmark_cpu_ns', 'cpu profile', 'heap profile') as evidence,
from sums
