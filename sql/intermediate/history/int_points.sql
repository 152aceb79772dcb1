-- What is judged: the logarithm of each series' figure at each build, its runs put together.
-- grain: metric, series_number, ordinal
-- scope: history
-- A site that a run does not show is zero there if the run's captures could have shown it, and unknown if not. What
-- maps allocated at a site is known where next to nothing that the site allocated is unknown, whatever others are.
-- Figures below the negligible are drawn together by adding it before the logarithm is taken.
with

observed as (
    select * from observations
    where polarity <> 0
),

series as (
    select * from int_series
),

measures as (
    select * from int_run_measures
    where is_comparable
),

floors as (
    select * from int_metric_floors
),

described as (
    select * from int_metrics
),

conditions as (
    select * from int_conditions
),

unknown as (
    select * from int_unknown_sites
),

named as (
    select metric, series_number, unnest(subjects) as subject,
    from series
),

run_values as (
    select
        observed.build_id,
        observed.run_id,
        named.metric,
        named.series_number,
        any_value(observed.unit) as unit,
        sum(observed.value) as value,
        sum(observed.standard_error * observed.standard_error) as variance,
        max(observed.evidence) as evidence,
    from observed
    inner join named using (metric, subject)
    group by observed.build_id, observed.run_id, named.metric, named.series_number
),

-- Sites of which more than a fiftieth of what they allocated in a run is unknown.
untold as (
    select distinct unknown.build_id, unknown.run_id, measures.measure, unknown.function,
    from unknown
    inner join (values ('map_alloc', 'alloc_bytes'), ('map_inuse', 'inuse_bytes')) as measures (measure, metric)
        on true
    left join observed
        on observed.build_id = unknown.build_id
        and observed.run_id = unknown.run_id
        and observed.metric = measures.metric
        and observed.subject = unknown.function
    where if(measures.metric = 'alloc_bytes', unknown.alloc_bytes, unknown.inuse_bytes)
        > 0.02 * coalesce(observed.value, 0)
),

untold_series as (
    select distinct untold.build_id, untold.run_id, untold.measure, named.metric, named.series_number,
    from untold
    inner join named on named.subject = untold.function
),

run_points as (
    select
        measures.build_id,
        series.metric,
        series.series_number,
        measures.measure,
        coalesce(run_values.value, 0) as value,
        run_values.variance,
        run_values.unit,
        run_values.evidence,
        floors.negligible,
        ln(greatest(coalesce(run_values.value, 0), 0) + floors.negligible) as log_value,
    from series
    inner join measures using (measure)
    inner join floors using (metric)
    left join run_values
        on run_values.build_id = measures.build_id
        and run_values.run_id = measures.run_id
        and run_values.metric = series.metric
        and run_values.series_number = series.series_number
    left join untold_series
        on untold_series.build_id = measures.build_id
        and untold_series.run_id = measures.run_id
        and untold_series.measure = measures.measure
        and untold_series.metric = series.metric
        and untold_series.series_number = series.series_number
    where untold_series.metric is null
        and (run_values.value is not null or measures.is_exhaustive or measures.is_told_by_site)
)

-- The variance of a median of n is pi / (2n + 1) times that of one.
select
    run_points.metric,
    run_points.series_number,
    conditions.ordinal,
    any_value(conditions.context) as context,
    any_value(run_points.unit) as unit,
    max(run_points.evidence) as evidence,
    any_value(run_points.negligible) as negligible,
    median(run_points.value) as value,
    median(run_points.log_value) as log_value,
    var_samp(run_points.log_value) as run_variance,
    count(*) as run_count,
    coalesce(
        avg(run_points.variance / pow(run_points.value + run_points.negligible, 2)) * pi() / (2 * count(*) + 1), 0
    ) as counting_variance,
    (select count(distinct described.family) from series inner join described using (metric)) as families,
from run_points
inner join conditions using (build_id, measure)
group by run_points.metric, run_points.series_number, conditions.ordinal
