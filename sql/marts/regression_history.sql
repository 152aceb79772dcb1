-- Each judged series over the builds, with the level it is compared with and its change points.
-- grain: metric, subject, build_id
-- scope: history
-- Our function find_levels (warehouse/functions.py) judges a metric's series together, build by build.
with

series as (
    select * from int_series
),

lineages as (
    select * from int_lineages
),

conditions as (
    select * from int_conditions
),

subjects as (
    select metric, first_subject, max(unit) as series_unit,
        row_number() over (partition by metric order by first_subject) as series_number,
    from series
    group by metric, first_subject
),

numbered as (
    select series.*, subjects.series_number, subjects.series_unit, conditions.context, conditions.last_difference,
    from series
    inner join subjects
        on subjects.metric = series.metric
        and subjects.first_subject = series.first_subject
    inner join conditions
        on conditions.build_id = series.build_id
        and conditions.measure = series.measure
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
                'counting_variance': counting_variance,
                'negligible': negligible,
                'context': context
            }),
            (select count(distinct metric) from series)
        ) as levels,
    from numbered
    group by metric
),

judged as (
    select metric, unnest(levels) as level,
    from families
),

-- The name that a function had at the build.
renamed as (
    select numbered.metric, numbered.series_number, numbered.ordinal,
        arg_max(lineages.function, lineages.since_ordinal) as function,
    from numbered
    inner join lineages
        on lineages.first_function = numbered.first_function
        and lineages.since_ordinal <= numbered.ordinal
    -- All others still have their first name.
    where lineages.function <> lineages.first_function
    group by numbered.metric, numbered.series_number, numbered.ordinal
),

points as (
    select
        numbered.*,
        coalesce(renamed.function, numbered.first_function) as function,
        judged.level.log_level as log_level,
        judged.level.half_width as half_width,
        judged.level.standard_error as standard_error,
        judged.level.p as p,
        judged.level.q as q,
        judged.level.level_builds as level_builds,
        judged.level.went_away as went_away,
        judged.level.found_build as found_ordinal,
        judged.level.change_before as change_before,
        judged.level.change_after as change_after,
        judged.level.change_error as change_error,
        judged.level.change_half_width as change_half_width,
        judged.level.change_p as change_p,
        judged.level.change_q as change_q,
        judged.level.is_change and not judged.level.went_away as is_change,
        judged.level.level_number as level_number,
        case when judged.level.is_apart then numbered.last_difference end as not_comparable,
    from numbered
    inner join judged
        on judged.metric = numbered.metric
        and judged.level.series = numbered.series_number
        and judged.level.build = numbered.ordinal
    left join renamed
        on renamed.metric = numbered.metric
        and renamed.series_number = numbered.series_number
        and renamed.ordinal = numbered.ordinal
)

select
    metric,
    coalesce(function || coalesce(' (' || wait_reason || ')', ''), first_subject) as subject,
    build_id,
    ordinal,
    function,
    first_subject,
    measure,
    series_unit as unit,
    polarity,
    value,
    negligible,
    run_count,
    case when log_level is not null then greatest(exp(log_level) - negligible, 0) end as expected,
    case
        when log_level is not null
            then [
                greatest(exp(log_level - half_width) - negligible, 0),
                greatest(exp(log_level + half_width) - negligible, 0),
            ]
    end as expected_interval,
    level_number,
    level_builds,
    is_change,
    went_away,
    not_comparable,
    -- Of a change: when it was known, and what was known of it then.
    case when is_change then found_ordinal end as found_ordinal,
    case when is_change then greatest(exp(change_before) - negligible, 0) end as change_before,
    case when is_change then greatest(exp(change_after) - negligible, 0) end as change_after,
    case when is_change then change_after - change_before end as change_log_ratio,
    case when is_change then change_half_width end as change_log_half_width,
    case when is_change then change_error end as change_log_standard_error,
    case when is_change then change_p end as change_p_value,
    case when is_change then change_q end as change_q_value,
    p as p_value,
    q as q_value,
    -- As log ratios, with what is negligible added on both sides.
    log_value - log_level as log_change,
    half_width as log_half_width,
    standard_error as log_standard_error,
    evidence,
from points
