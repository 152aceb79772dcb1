-- No judged metric is void: each has a source, and where a run has figures of it they are judged.
-- Of a site that is known only in part what maps allocated is not.
with

-- Of metrics that reach points nothing is to be asked.
figures as (
    select distinct figures.metric, figures.build_id, figures.run_id,
    from int_figures as figures
    left join metrics on metrics.metric = figures.metric
    left join int_unknown_sites as unknown
        on unknown.build_id = figures.build_id
        and unknown.run_id = figures.run_id
        and unknown.function = figures.function
        and metrics.measure in ('map_alloc', 'map_inuse')
    anti join (
        select * from observations
        where polarity = 0
    ) as neither
        on neither.build_id = figures.build_id
        and neither.run_id = figures.run_id
        and neither.metric = figures.metric
        and neither.subject = figures.subject
    anti join int_points as judged on judged.metric = figures.metric
    where coalesce(figures.polarity, metrics.polarity, 1) <> 0
        and unknown.function is null
),

-- Of a metric that is not declared there is no source either.
sourced as (
    select figures.*, described.is_judged, described.measure, metric_sources.measure is not null as has_source,
    from figures
    left join int_metrics as described using (metric)
    left join metric_sources using (measure)
),

comparable as (
    select measures.build_id, measures.run_id, measures.measure,
    from int_run_measures as measures
    inner join builds using (build_id)
    where measures.is_comparable and builds.is_ordered
)

select distinct sourced.metric, sourced.measure,
from sourced
left join comparable using (build_id, run_id, measure)
where coalesce(sourced.is_judged, true)
    and (not sourced.has_source or comparable.measure is not null)
