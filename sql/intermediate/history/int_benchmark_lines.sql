-- The configuration lines of each build's benchmark results, those of several machines together.
-- grain: build_id, condition
-- scope: build
with

captures as (
    select * from stg_captures
),

benchmarks as (
    select * from stg_benchmarks
),

configured as (
    select captures.build_id, unnest(map_entries(benchmarks.labels)) as line,
    from benchmarks
    inner join captures using (capture_id)
)

select build_id, line.key as condition, string_agg(distinct line.value, ', ' order by line.value) as value,
from configured
group by build_id, line.key
