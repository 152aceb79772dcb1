-- What is watched: each metric with its unit, which way is worse, how many series of how many builds, how many judged.
with

measured as (
    select metric, mode(unit order by unit) as unit, count(distinct subject) as series, count(distinct build_id) as builds,
        max(polarity) as polarity,
    from observations
    group by metric
),

judged as (
    select metric, count(distinct first_subject) as judged,
    from regression_history
    where p_value is not null
    group by metric
)

select
    measured.metric,
    measured.unit,
    case coalesce(metrics.polarity, measured.polarity) when 1 then 'up' when -1 then 'down' else '' end as worse,
    metrics.measure,
    measured.series,
    measured.builds,
    coalesce(judged.judged, 0) as judged,
    metrics.meaning,
from measured
left join metrics using (metric)
left join judged using (metric)
order by measured.metric
