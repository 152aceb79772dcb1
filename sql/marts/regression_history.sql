-- Each judged series over the builds, with the level it is compared with and its change points.
-- grain: metric, subject, build_id
-- scope: history
-- Where only rounding is left of a figure, it is nothing.
-- levels_of_int_points judges a metric's series together, build by build, see warehouse/level_relation.py.
with

levels as (
    select * from levels_of_int_points
),

points as (
    select * from int_points
),

series as (
    select * from int_series
),

lineages as (
    select * from int_lineages
),

conditions as (
    select * from int_conditions
),

units as (
    select metric, series_number, max(unit) as unit,
    from points
    group by metric, series_number
),

measured as (
    select series.*, units.unit,
    from series
    inner join units using (metric, series_number)
),

-- The name that a function had at the build; all others still have their first name.
renamed as (
    select lineages.first_function, build_order.ordinal,
        arg_max(lineages.function, lineages.since_ordinal) as function,
    from lineages
    inner join (select distinct ordinal from conditions) as build_order
        on build_order.ordinal >= lineages.since_ordinal
    where lineages.function <> lineages.first_function
    group by lineages.first_function, build_order.ordinal
),

judged as (
    select
        levels.* exclude (unit, is_change),
        measured.* exclude (metric, series_number),
        coalesce(renamed.function, measured.first_function) as function,
        coalesce(renamed_caller.function, measured.first_calling_function) as calling_function,
        levels.is_change and not levels.went_away as is_change,
        case when levels.is_incomparable then conditions.last_difference end as not_comparable,
    from levels
    inner join measured
        on measured.metric = levels.metric
        and measured.series_number = levels.series_number
    inner join conditions
        on conditions.ordinal = levels.ordinal
        and conditions.measure = measured.measure
    left join renamed
        on renamed.first_function = measured.first_function
        and renamed.ordinal = levels.ordinal
    left join renamed as renamed_caller
        on renamed_caller.first_function = measured.first_calling_function
        and renamed_caller.ordinal = levels.ordinal
)

select
    metric,
    coalesce(
        function || coalesce(' (' || wait_reason || ')', '') || coalesce(' from ' || calling_function, ''), first_subject
    ) as subject,
    build_id,
    ordinal,
    function,
    calling_function,
    first_subject,
    measure,
    unit,
    polarity,
    value,
    negligible,
    run_count,
    case when exp(log_level) > negligible * (1 + 1e-9) then exp(log_level) - negligible when log_level is not null then 0 end
        as expected,
    case
        when log_level is not null
            then [
                if(exp(log_level - half_width) > negligible * (1 + 1e-9), exp(log_level - half_width) - negligible, 0),
                if(exp(log_level + half_width) > negligible * (1 + 1e-9), exp(log_level + half_width) - negligible, 0),
            ]
    end as expected_interval,
    level_number,
    level_before,
    level_builds,
    is_change,
    went_away,
    may_change,
    not_comparable,
    -- Of a change: when it was known, and what was known of it then; of what may be one, as the last build tells.
    case when is_change then found_ordinal end as found_ordinal,
    case when (is_change or may_change) and exp(change_before) > negligible * (1 + 1e-9) then exp(change_before) - negligible
        when is_change or may_change then 0
    end as change_before,
    case when (is_change or may_change) and exp(change_after) > negligible * (1 + 1e-9) then exp(change_after) - negligible
        when is_change or may_change then 0
    end as change_after,
    case when is_change or may_change then change_after - change_before end as change_log_ratio,
    case when is_change or may_change then change_half_width end as change_log_half_width,
    case when is_change or may_change then change_error end as change_log_standard_error,
    case when is_change or may_change then change_p end as change_p_value,
    case when is_change or may_change then change_q end as change_q_value,
    p as p_value,
    q as q_value,
    shared_change as shared_log_change,
    -- As log ratios, with what is negligible added on both sides.
    log_value - log_level as log_change,
    half_width as log_half_width,
    standard_error as log_standard_error,
    least_claimed as least_claimed_log_change,
    least_hinted as least_hinted_log_change,
    least_lasting as least_lasting_log_change,
    evidence,
from judged
