-- The series that are judged: each figure over all names that a function has had.
-- grain: metric, series_number
-- scope: history
-- Few metrics raise alarms: one each for waiting, for allocating, for keeping, for collecting, for goroutines, and
-- benchmarks. gc_assist_ns holds the waits of assists.
with

observed as (
    select * from observations
),

lineages as (
    select * from int_lineages
),

judged as (
    select
        observed.metric,
        observed.subject,
        observed.wait_reason,
        observed.measure,
        observed.polarity,
        coalesce(lineages.first_function, observed.function) as first_function,
        coalesce(
            lineages.first_function || coalesce(' (' || observed.wait_reason || ')', ''), observed.subject
        ) as first_subject,
    from observed
    left join lineages using (function)
    where observed.polarity <> 0
        and (
            observed.metric in (
                'block_ns', 'mapassign_alloc_bytes', 'mapassign_inuse_bytes', 'gc_assist_ns', 'goroutine_count'
            )
            or observed.measure = 'benchmark'
        )
        and coalesce(observed.wait_reason, '') <> 'GC mark assist wait for work'
)

select
    metric,
    row_number() over (partition by metric order by first_subject) as series_number,
    first_subject,
    any_value(first_function) as first_function,
    any_value(wait_reason) as wait_reason,
    any_value(measure) as measure,
    max(polarity) as polarity,
    -- As the observations have it.
    list(distinct subject order by subject) as subjects,
from judged
group by metric, first_subject
