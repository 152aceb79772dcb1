-- The metrics that figures may be of: as declared, and each unit of a benchmark that is not. A rate is timed.
-- grain: metric
-- scope: all
with

declared as (
    select * from metrics
),

benchmarks as (
    select * from figures_benchmarks
),

units as (
    select metric, any_value(unit) as unit,
    from benchmarks
    group by metric
)

select metric, unit, declared.* exclude (metric, unit),
from declared
where metric <> 'bench *'
union all by name
select units.metric, coalesce(units.unit, '') as unit,
    declared.* exclude (metric, unit) replace (ends_with(units.unit, '/s') as is_timed),
from units
anti join declared as named on named.metric = units.metric
inner join declared on declared.metric = 'bench *'
