-- With how many earlier builds the candidate's judged series compare: of all, and of each metric.
-- The first and last build are those of the series that compares with most.
with

here as (
    select metric, first_subject, measure
    from regression_history
    where ordinal = $ordinal and p_value is not null
        and (len($metrics) = 0 or list_contains($metrics, metric))
),

conditions as (
    select * from int_conditions
),

compared as (
    select here.metric, here.first_subject, count(before.ordinal) as build_count,
        min_by(before.build_id, before.ordinal) as first_build_id, max_by(before.build_id, before.ordinal) as last_build_id,
    from here
    inner join conditions
        on conditions.measure = here.measure
        and conditions.ordinal = $ordinal
    left join conditions as before
        on before.measure = here.measure
        and before.ordinal < $ordinal
        and before.context = conditions.context
        and (here.metric, here.first_subject, before.ordinal) in (
            select (metric, first_subject, ordinal) from regression_history where not went_away
        )
    group by here.metric, here.first_subject
)

select
    metric,
    count(*) filter (where build_count = 0) as alone_count,
    coalesce(min(build_count) filter (where build_count > 0), 0) as fewest,
    coalesce(max(build_count), 0) as most,
    max_by(first_build_id, build_count) as first_build_id,
    max_by(last_build_id, build_count) as last_build_id,
from compared
group by grouping sets ((), (metric))
order by metric nulls first
