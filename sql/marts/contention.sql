-- Contention as mutex and block profiles have it: who held the locks that others waited for, and who was blocked.
-- grain: build_id, kind, function, is_contention
-- scope: view
with

figures as (
    select * from figures_contention
),

measures as (
    select * from int_build_measures where measure in ('mutex', 'block')
),

-- Of what a request waits for only the time is judged.
told as (
    select *, split_part(metric, '_', 1) as kind,
        max(polarity) over (partition by build_id, kind, subject) = 1 as is_contention,
    from figures
),

summed as (
    select
        build_id,
        kind,
        function,
        is_contention,
        coalesce(sum(value) filter (where ends_with(metric, '_delay_ns')), 0) as delay_ns,
        coalesce(sum(value) filter (where ends_with(metric, '_contentions')), 0) as contention_count,
    from told
    group by build_id, kind, function, is_contention
)

select
    summed.build_id,
    summed.kind,
    summed.function,
    summed.is_contention,
    summed.contention_count::bigint as contention_count,
    least(summed.delay_ns, 9e18)::bigint as delay_ns,
    summed.contention_count / measures.divisor as contention_count_per_unit,
    summed.delay_ns / measures.divisor as delay_ns_per_unit,
    measures.per,
from summed
left join measures
    on measures.build_id = summed.build_id
    and measures.measure = summed.kind
