-- The logarithm of each judged series' figure at each run.
-- grain: metric, series_number, build_id, run_id
-- scope: view
-- A site that a run does not show is zero there if the run's captures could have shown it, and unknown if not: those of a
-- program that never showed it could not, where a build's runs are of different programs. What
-- maps allocated at a site is known where next to nothing that the site allocated is unknown, whatever others are.
-- Figures below the negligible are drawn together by adding it before the logarithm is taken.
with

observed as (
    select * from observations
    where polarity <> 0
),

-- By a number: millions of rows are put together by it, and a number costs less than a name and a number.
series as materialized (
    select *, row_number() over () as series_key from int_series
),

measures as (
    select * from int_run_measures
    where is_comparable
),

floors as (
    select * from int_metric_floors
),

programs as (
    select * from int_run_programs
),

series_programs as (
    select * from int_series_programs
),

unknown as (
    select * from int_unknown_sites
),

heaps as (
    select * from figures_heap
),

named as (
    select series_key, metric, measure, unnest(subjects) as subject, len(subjects) > 2 as is_of_many,
    from series
),

-- Here and below, what belongs together is put together by rows and not by columns, so that who asks for some builds reads no
-- more than theirs.
heap_sites as (
    select build_id, run_id, 'map_alloc' as measure, function, alloc_bytes as unknown, 0 as allocated,
    from unknown
    union all
    select build_id, run_id, 'map_inuse', function, inuse_bytes, 0,
    from unknown
    union all
    select build_id, run_id, if(metric = 'alloc_bytes', 'map_alloc', 'map_inuse'), function, 0, value,
    from heaps
    where metric in ('alloc_bytes', 'inuse_bytes')
        and calling_function is null
),

-- Sites of which more than a fiftieth of what they allocated in a run is unknown.
untold as (
    select build_id, run_id, measure, function,
    from heap_sites
    group by build_id, run_id, measure, function
    having sum(unknown) > 0.02 * sum(allocated)
),

-- What each run showed of a series, that it could have shown it, and that it does not tell.
shown as (
    select
        observed.build_id,
        observed.run_id,
        named.series_key,
        named.is_of_many,
        observed.unit,
        observed.value,
        observed.standard_error * observed.standard_error as variance,
        observed.evidence,
        false as is_measured,
        false as can_tell_none,
        false as is_untold,
    from observed
    inner join named using (metric, subject)
    union all
    select
        measures.build_id,
        measures.run_id,
        series.series_key,
        false,
        null,
        null,
        null,
        null,
        true,
        measures.is_exhaustive or measures.is_told_by_site,
        false,
    from series
    inner join measures using (measure)
    left join programs using (build_id, run_id)
    where programs.program is null
        or (series.metric, series.series_number, programs.program) in (
            select (metric, series_number, program) from series_programs
        )
    union all
    select untold.build_id, untold.run_id, named.series_key, false, null, null, null, null, false, false, true,
    from untold
    inner join named
        on named.measure = untold.measure
        and named.subject = untold.function
),

-- What is summed of more than two fractions is summed in order: the last digit does not follow from how rows came.
run_values as (
    select
        build_id,
        run_id,
        series_key,
        coalesce(sum(value), 0) as value,
        coalesce(list_sum(list_sort(list(variance) filter (where is_of_many))), sum(variance)) as variance,
        any_value(unit) as unit,
        max(evidence) as evidence,
    from shown
    group by build_id, run_id, series_key
    having bool_or(is_measured)
        and (count(value) > 0 or bool_or(can_tell_none))
        and not bool_or(is_untold)
)

select
    run_values.build_id,
    run_values.run_id,
    series.metric,
    series.series_number,
    series.measure,
    run_values.value,
    run_values.variance,
    run_values.unit,
    run_values.evidence,
    floors.negligible,
    ln(greatest(run_values.value, 0) + floors.negligible) as log_value,
from run_values
inner join series using (series_key)
inner join floors using (metric)
