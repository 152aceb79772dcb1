-- Of each metric how many series were judged at any build, and why the others were not.
with

series as (
    select
        metric,
        first_subject,
        bool_or(p_value is not null) as is_judged,
        count(*) filter (where not went_away) as builds,
        bool_or(not_comparable is not null) as is_divided,
    from regression_history
    group by metric, first_subject
)

select
    metric,
    count(*) filter (where is_judged) as judged,
    count(*) filter (where not is_judged and builds <= rules.least_builds) as too_new,
    count(*) filter (where not is_judged and builds > rules.least_builds and is_divided) as divided,
    count(*) filter (where not is_judged and builds > rules.least_builds and not is_divided) as too_small,
from series
cross join detection_rules as rules
group by metric
order by metric
