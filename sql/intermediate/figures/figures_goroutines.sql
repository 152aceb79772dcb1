-- How many goroutines there were at each run's end, and how many of them are leaked.
-- grain: build_id, run_id, metric, subject
-- scope: build
with

counted as (
    select * from int_goroutine_counts
)

select
    build_id,
    run_id,
    metric,
    function || coalesce(' (' || state || ')', '') as subject,
    function,
    state as wait_reason,
    goroutine_count::double as value,
    measure as evidence,
from counted
