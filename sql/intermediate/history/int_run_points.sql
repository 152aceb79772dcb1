-- The logarithm of each judged series' figure at each run.
-- grain: metric, series_number, build_id, run_id
-- scope: view
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

unknown as (
    select * from int_unknown_sites
),

named as (
    select metric, series_number, unnest(subjects) as subject,
    from series
),

-- What each run showed of a series, and that it could have shown it. Put together by rows and not by columns, so that who asks
-- for some builds reads no more than theirs.
shown as (
    select
        observed.build_id,
        observed.run_id,
        named.metric,
        named.series_number,
        observed.unit,
        observed.value,
        observed.standard_error * observed.standard_error as variance,
        observed.evidence,
        null as measure,
        false as can_tell_none,
    from observed
    inner join named using (metric, subject)
    union all
    select
        measures.build_id,
        measures.run_id,
        series.metric,
        series.series_number,
        null as unit,
        null as value,
        null as variance,
        null as evidence,
        measures.measure,
        measures.is_exhaustive or measures.is_told_by_site as can_tell_none,
    from series
    inner join measures using (measure)
),

run_values as (
    select
        build_id,
        run_id,
        metric,
        series_number,
        any_value(measure) as measure,
        coalesce(sum(value), 0) as value,
        list_sum(list_sort(list(variance))) as variance,
        any_value(unit) as unit,
        max(evidence) as evidence,
    from shown
    group by build_id, run_id, metric, series_number
    having count(measure) > 0 and (count(value) > 0 or bool_or(can_tell_none))
),

-- Sites of which more than a fiftieth of what they allocated in a run is unknown.
untold as (
    select distinct unknown.build_id, unknown.run_id, measures.measure, unknown.function,
    from unknown
    inner join (values ('map_alloc', 'alloc_bytes'), ('map_inuse', 'inuse_bytes')) as measures (measure, metric)
        on true
    -- Not the CTE: named twice it would be held whole, and no condition would reach it.
    left join observations as allocated
        on allocated.build_id = unknown.build_id
        and allocated.run_id = unknown.run_id
        and allocated.metric = measures.metric
        and allocated.subject = unknown.function
    where if(measures.metric = 'alloc_bytes', unknown.alloc_bytes, unknown.inuse_bytes)
        > 0.02 * coalesce(allocated.value, 0)
),

untold_series as (
    select distinct untold.build_id, untold.run_id, untold.measure, named.metric, named.series_number,
    from untold
    inner join named on named.subject = untold.function
)

select
    run_values.*,
    floors.negligible,
    ln(greatest(run_values.value, 0) + floors.negligible) as log_value,
from run_values
inner join floors using (metric)
left join untold_series
    on untold_series.build_id = run_values.build_id
    and untold_series.run_id = run_values.run_id
    and untold_series.measure = run_values.measure
    and untold_series.metric = run_values.metric
    and untold_series.series_number = run_values.series_number
where untold_series.metric is null
