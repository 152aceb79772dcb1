-- The amount below which a metric's figures mean nothing, in the unit of the observations: one for all runs.
-- grain: metric
-- scope: history
with

described as (
    select * from int_metrics
),

measures as (
    select * from int_run_measures
    where is_comparable
)

select
    described.metric,
    median(
        greatest(
            described.floor,
            described.floor_per_second * measures.observed_seconds,
            described.floor_samples * measures.sampling_period
        ) / if(described.is_sum, measures.divisor, 1)
    ) as negligible,
from described
inner join measures using (measure)
group by described.metric
