-- What is judged: the logarithm of each figure at each build, over all names that a function has had.
-- grain: metric, first_subject, build_id
-- scope: history
-- A site that a run does not show is zero there if the run's captures could have shown it, and unknown if not.
-- Figures below the negligible are drawn together by adding it before the logarithm is taken.
with

observed as (
    select * from observations
),

measures as (
    select * from int_run_measures
    where is_comparable
),

lineages as (
    select * from int_lineages
),

build_order as (
    select * from builds
),

-- Few metrics raise alarms: one each for waiting, for allocating, for keeping, for collecting, for goroutines, and
-- benchmarks.
-- gc_assist_ns holds the waits of assists.
judged as (
    select
        observed.*,
        coalesce(lineages.first_function, observed.function) as first_function,
        coalesce(
            lineages.first_function || coalesce(' (' || observed.wait_reason || ')', ''), observed.subject
        ) as first_subject,
    from observed
    left join lineages using (function)
    where observed.polarity <> 0
        and (
            observed.metric in (
                'block_ns', 'mapassign_alloc_bytes', 'mapassign_inuse_bytes', 'gc_assist_ns', 'goroutine_count'
            )
            or observed.measure = 'benchmark'
        )
        and coalesce(observed.wait_reason, '') <> 'GC mark assist wait for work'
),

series as (
    select
        metric,
        first_subject,
        any_value(first_function) as first_function,
        any_value(wait_reason) as wait_reason,
        any_value(measure) as measure,
        max(polarity) as polarity,
    from judged
    group by metric, first_subject
),

run_values as (
    select build_id, run_id, metric, first_subject, any_value(unit) as unit, sum(value) as value,
        sum(standard_error * standard_error) as variance, max(evidence) as evidence,
    from judged
    group by build_id, run_id, metric, first_subject
),

captured as (
    select
        measures.build_id,
        measures.run_id,
        series.*,
        coalesce(run_values.value, case when measures.is_exhaustive then 0 end) as value,
        run_values.variance,
        run_values.unit,
        run_values.evidence,
        measures.negligible,
    from series
    inner join measures using (measure)
    left join run_values using (build_id, run_id, metric, first_subject)
),

-- A benchmark that was not run is unknown.
benchmarked as (
    select
        run_values.build_id,
        run_values.run_id,
        series.*,
        run_values.value,
        run_values.variance,
        run_values.unit,
        run_values.evidence,
        case run_values.unit when 'sec/op' then 1e-9 when 'B/op' then 16 when 'allocs/op' then 0.5 else 1e-9 end
            as negligible,
    from series
    inner join run_values using (metric, first_subject)
    where series.measure = 'benchmark'
),

run_points as (
    select *, ln(greatest(value, 0) + negligible) as log_value,
    from (
        select * from captured
        union all
        select * from benchmarked
    )
    where value is not null
)

-- The variance of a median of n is pi / (2n + 1) times that of one.
select
    run_points.metric,
    run_points.first_subject,
    run_points.build_id,
    build_order.ordinal,
    any_value(run_points.first_function) as first_function,
    any_value(run_points.wait_reason) as wait_reason,
    any_value(run_points.measure) as measure,
    any_value(run_points.polarity) as polarity,
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
from run_points
inner join build_order using (build_id)
group by run_points.metric, run_points.first_subject, run_points.build_id, build_order.ordinal
