-- What the series of a timed metric have in common at a build, beside what they mostly had in the builds before.
with

history as (
    select * from regression_history
),

shared as (
    select
        metric,
        build_id,
        ordinal,
        max(polarity) as polarity,
        count(*) as series_count,
        any_value(shared_log_change) as log_change,
    from history
    semi join (select metric from history where shared_log_change <> 0) using (metric)
    group by metric, build_id, ordinal
),

beside as (
    select
        *,
        log_change - median(log_change) over (
            partition by metric order by ordinal
            rows between (select most_level_builds from detection_rules) preceding and 1 preceding
        ) as log_ratio,
    from shared
)

select beside.metric, beside.build_id, beside.series_count, exp(beside.log_ratio) as ratio,
    beside.polarity * beside.log_ratio > 0 as is_worse,
from beside
cross join detection_rules as rules
where abs(beside.log_ratio) >= ln(1 + rules.least_ratio)
order by beside.metric, beside.ordinal
