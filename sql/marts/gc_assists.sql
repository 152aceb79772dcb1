-- Time that goroutines worked for the collector when they allocated, by the function that did.
-- grain: build_id, function
-- scope: view
with

collections as (
    select * from int_trace_gc where activity = 'mark_assist'
),

measures as (
    select * from int_build_measures where measure = 'trace'
)

select
    collections.build_id,
    collections.function,
    sum(collections.range_count)::bigint as assist_count,
    sum(collections.range_ns)::bigint as assist_ns,
    max(collections.max_ns)::bigint as max_ns,
    sum(collections.range_ns) / any_value(measures.divisor) as assist_ns_per_unit,
    any_value(measures.per) as per,
from collections
left join measures using (build_id)
group by collections.build_id, collections.function
