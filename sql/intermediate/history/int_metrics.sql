-- The metrics that there are figures of: as declared, and each unit of a benchmark that is not.
-- grain: metric
-- scope: history
with

declared as (
    select * from metrics
),

figures as (
    select * from int_figures
),

seen as (
    select metric, any_value(unit) as unit,
    from figures
    group by metric
)

select seen.metric, coalesce(named.unit, seen.unit, '') as unit, described.* exclude (metric, unit),
from seen
left join declared as named on named.metric = seen.metric
inner join declared as described
    on described.metric = coalesce(named.metric, if(starts_with(seen.metric, 'bench '), 'bench *', seen.metric))
