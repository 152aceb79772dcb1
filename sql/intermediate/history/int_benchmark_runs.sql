-- The median of each benchmark over its repeats in a run.
-- grain: build_id, run_id, subject, unit
-- scope: build
with

captures as (
    select * from stg_captures
),

benchmarks as (
    select * from stg_benchmarks
)

-- The standard error of a median of n is sqrt(pi / (2n + 1)) standard deviations.
select
    captures.build_id,
    captures.run_id,
    case when coalesce(benchmarks.package, '') = '' then '' else benchmarks.package || '.' end
    || benchmarks.name || '-' || coalesce(benchmarks.procs, 1) as subject,
    benchmarks.unit,
    if(min(benchmarks.better) = max(benchmarks.better), min(benchmarks.better), null) as better,
    median(benchmarks.value) as value,
    count(*) as repeat_count,
    coalesce(list_stddev_samp(list_sort(list(benchmarks.value))), 0) * sqrt(pi() / (2 * count(*) + 1)) as standard_error,
from benchmarks
inner join captures using (capture_id)
where isfinite(benchmarks.value)
group by all
