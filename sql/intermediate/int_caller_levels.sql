-- Over the builds, what was spent below each function that calls a site whose cost changed.
-- grain: metric, caller, build_id
-- scope: history
-- Judged as the sites themselves are: our function find_levels (warehouse/functions.py).
with

history as (
    select * from regression_history
),

callers as (
    select * from int_site_callers
),

caller_costs as (
    select * from int_caller_costs
),

measures as (
    select * from int_run_measures
    where is_comparable
),

conditions as (
    select * from int_conditions
),

wanted as (
    select metric, measure, caller, row_number() over (partition by metric order by caller) as series_number,
    from callers
    group by metric, measure, caller
),

-- Nothing below a caller is zero if the run's captures could have shown it, and unknown if not.
run_points as (
    select
        measures.build_id,
        wanted.metric,
        wanted.measure,
        wanted.caller,
        wanted.series_number,
        measures.negligible,
        ln(coalesce(caller_costs.value / measures.divisor, case when measures.is_exhaustive then 0 end)
            + measures.negligible) as log_value,
    from wanted
    inner join measures using (measure)
    left join caller_costs using (build_id, run_id, metric, caller)
),

points as (
    select
        run_points.build_id,
        conditions.ordinal,
        run_points.metric,
        run_points.caller,
        run_points.series_number,
        any_value(conditions.context) as context,
        any_value(run_points.negligible) as negligible,
        median(run_points.log_value) as log_value,
        var_samp(run_points.log_value) as run_variance,
        count(*) as run_count,
    from run_points
    inner join conditions using (build_id, measure)
    where run_points.log_value is not null
    group by all
),

families as (
    select
        metric,
        find_levels(
            list({
                'series': series_number,
                'build': ordinal,
                'log_value': log_value,
                'run_variance': run_variance,
                'run_count': run_count,
                'counting_variance': 0,
                'negligible': negligible,
                'context': context
            }),
            (select count(distinct metric) from history)
        ) as levels,
    from points
    group by metric
),

judged as (
    select metric, unnest(levels) as level,
    from families
)

select
    points.metric,
    points.caller,
    points.build_id,
    points.ordinal,
    points.negligible,
    points.log_value,
    judged.level.half_width as half_width,
    judged.level.level_builds as level_builds,
from points
inner join judged
    on judged.metric = points.metric
    and judged.level.series = points.series_number
    and judged.level.build = points.ordinal
