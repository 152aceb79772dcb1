-- How goroutines of an entry function, tasks and regions of a name spent their time: executing, ready, waiting, in calls.
-- grain: build_id, span_kind, name, state
-- scope: view
with

times as (
    select * from int_span_times
)

select build_id, span_kind, name, state, span_count, total_ns, mean_ns, p50_ns, p99_ns, max_ns,
from times
