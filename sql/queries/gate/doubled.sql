-- Of each metric's judged series, in how many it would be told that they are twice as bad: at once, as a hint, if it lasts.
with

judged as (
    select
        metric,
        least_claimed_log_change,
        least_hinted_log_change,
        least_lasting_log_change,
        abs(ln((if(polarity < 0, expected / 2, expected * 2) + negligible) / (expected + negligible))) as doubled,
    from regression_history
    where ordinal = $ordinal
        and least_claimed_log_change is not null
        -- Twice next to nothing is next to nothing.
        and expected > negligible
        and (len($metrics) = 0 or list_contains($metrics, metric))
),

told as (
    select metric,
        case
            when doubled >= least_claimed_log_change then 'at once'
            when doubled >= least_hinted_log_change then 'hinted'
            when doubled >= least_lasting_log_change then 'lasting'
            else 'hidden'
        end as told,
    from judged
)

select
    metric,
    count(*) filter (where told = 'at once') as at_once,
    count(*) filter (where told = 'hinted') as hinted,
    count(*) filter (where told = 'lasting') as lasting,
    count(*) filter (where told = 'hidden') as hidden,
from told
group by metric
order by hidden desc, metric
