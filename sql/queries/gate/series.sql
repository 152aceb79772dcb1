-- How many series of each metric the candidate has, and what became of those that it lacks.
with

faults as (
    select metric from metrics where is_fault
),

recent_runs as (
    select distinct run_measures.measure, run_measures.build_id, run_measures.run_id
    from int_run_measures as run_measures
    inner join builds using (build_id)
    where builds.ordinal between $ordinal - $recent and $ordinal - 1
),

-- What few of the runs before were looked at for is not expected of this one.
usual as (
    select measure
    from recent_runs
    group by measure
    having 2 * count(*) > (select count(*) from (select distinct build_id, run_id from recent_runs))
),

history as (
    select *, measure in (from usual) as is_usual,
        ordinal between $ordinal - $recent and $ordinal - 1 as is_recent, metric in (from faults) as is_fault,
    from regression_history
    where ordinal <= $ordinal
),

below_zero as (
    select metric, subject,
    from int_below_zero
    inner join builds using (build_id)
    where builds.ordinal = $ordinal
),

series as (
    select
        history.metric,
        first_subject,
        bool_or(ordinal = $ordinal) as is_here,
        bool_or(ordinal = $ordinal and (p_value is not null or is_fault)) as is_judged,
        count(*) filter (where ordinal < $ordinal and not went_away) as n_before,
        bool_and(value = 0) as is_zero,
        bool_or(is_usual) as is_usual,
        bool_or(is_recent and not is_fault and below_zero.metric is null) as was_here,
        bool_or(is_recent and p_value is not null and not is_fault and below_zero.metric is null) as was_judged,
        bool_or(is_recent and p_value is not null and below_zero.metric is not null) as is_below_zero,
    from history
    left join below_zero
        on below_zero.metric = history.metric
        and below_zero.subject = history.first_subject
    where (len($metrics) = 0 or list_contains($metrics, history.metric))
    group by history.metric, first_subject
)

select
    metric,
    count(*) filter (where is_judged) as judged,
    count(*) filter (where is_here) as present,
    count(*) filter (where is_here and not is_judged and n_before < (select least_builds from detection_rules)) as too_new,
    count(*) filter (where is_here and not is_judged and n_before >= (select least_builds from detection_rules) and not is_zero) as too_small,
    count(*) filter (where is_here and not is_judged and n_before >= (select least_builds from detection_rules) and is_zero) as zero,
    count(*) filter (where not is_here and was_judged) as missing,
    coalesce(list(first_subject order by first_subject) filter (where not is_here and was_judged), []) as missing_subjects,
    count(*) filter (where was_judged and is_usual) as judged_before,
    count(*) filter (where was_here and is_usual) as present_before,
    count(*) filter (where is_below_zero) as sank_below_zero,
from series
group by metric
order by metric
