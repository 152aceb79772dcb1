-- Of each metric how many series were judged at any build, and why the others were not.
-- A fault by itself is judged in each build that has whole captures which would show any. What a benchmark says in
-- a unit of which nothing tells which way is better, or below zero, is in no history.
with

faults as (
    select metric from metrics where is_fault
),

looked_for as (
    select metrics.metric, count(distinct shown.build_id) as builds,
    from metrics
    inner join int_run_measures as shown using (measure)
    inner join builds using (build_id)
    where metrics.is_fault and shown.is_exhaustive and builds.is_ordered
    group by metrics.metric
),

series as (
    select
        metric,
        first_subject,
        bool_or(p_value is not null) or metric in (from faults) as is_judged,
        count(*) filter (where not went_away) as builds,
        bool_or(not_comparable is not null) as is_divided,
        bool_and(value = 0) as is_zero,
    from regression_history
    group by metric, first_subject
),

-- As the observations have it.
benched as (
    select
        metric,
        subject,
        (metric, subject) in (select metric, subject from int_below_zero) as is_below_zero,
        bool_or(polarity <> 0) as is_judged,
    from observations
    where starts_with(metric, 'bench ')
    group by metric, subject
),

unjudged as (
    select
        metric,
        count(*) filter (where is_below_zero) as below_zero,
        count(*) filter (where not is_below_zero and not is_judged) as undirected,
    from benched
    group by metric
)

select
    metric,
    count(first_subject) filter (where is_judged) as judged,
    count(*) filter (where not is_judged and series.builds <= rules.least_builds) as too_new,
    count(*) filter (where not is_judged and series.builds > rules.least_builds and is_divided) as divided,
    count(*) filter (where not is_judged and series.builds > rules.least_builds and not is_divided and not is_zero) as too_small,
    count(*) filter (where not is_judged and series.builds > rules.least_builds and not is_divided and is_zero) as zero,
    coalesce(any_value(looked_for.builds), 0) as looked_in,
    coalesce(any_value(unjudged.below_zero), 0) as below_zero,
    coalesce(any_value(unjudged.undirected), 0) as undirected,
from series
full join looked_for using (metric)
full join unjudged using (metric)
cross join detection_rules as rules
group by metric
order by metric
