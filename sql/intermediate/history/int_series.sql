-- The series that are judged: each figure over all names that a function has had.
-- grain: metric, series_number
-- scope: history
-- What a function costs by caller is a series of its own where it has several: then it is a shared helper.
with

-- Each once: a history has millions of observations of some thousand subjects.
observed as (
    select distinct metric, subject, function, wait_reason, calling_function, measure, polarity,
    from observations
    where polarity <> 0
),

described as (
    select * from int_metrics
    where is_judged
),

lineages as (
    select * from int_lineages
),

named as (
    select
        observed.metric,
        observed.subject,
        observed.wait_reason,
        coalesce(caller_lineages.first_function, observed.calling_function) as first_calling_function,
        observed.measure,
        observed.polarity,
        coalesce(lineages.first_function, observed.function) as first_function,
        coalesce(
            lineages.first_function || coalesce(' (' || observed.wait_reason || ')', '')
            || coalesce(' from ' || first_calling_function, ''),
            observed.subject
        ) as first_subject,
    from observed
    semi join described using (metric)
    left join lineages on lineages.function = observed.function
    left join lineages as caller_lineages on caller_lineages.function = observed.calling_function
),

shared as (
    select metric, first_function,
    from named
    where first_calling_function is not null
    group by metric, first_function
    having count(distinct first_calling_function) > 1
),

judged as (
    select named.*,
    from named
    left join shared
        on shared.metric = named.metric
        and shared.first_function = named.first_function
    where named.first_calling_function is null or shared.metric is not null
)

select
    metric,
    row_number() over (partition by metric order by first_subject) as series_number,
    first_subject,
    any_value(first_function) as first_function,
    any_value(wait_reason) as wait_reason,
    any_value(first_calling_function) as first_calling_function,
    any_value(measure) as measure,
    max(polarity) as polarity,
    -- As the observations have it.
    list(distinct subject order by subject) as subjects,
from judged
group by metric, first_subject
