-- How long and how often goroutines waited, by function and reason; and by caller, where a cost is a shared helper's.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- What waits for work is neither better nor worse, nor how often a request waits for it, which follows the events of its
-- stream. gc_assist_ns has the waits of assists.
with

waits as (
    select * from int_function_waits
),

callers as (
    select * from int_caller_waits
),

subjects as (
    select
        build_id,
        run_id,
        function || ' (' || wait_reason || ')' as subject,
        null as calling_function,
        * exclude (build_id, run_id),
    from waits
    union all by name
    select
        build_id,
        run_id,
        function || ' (' || wait_reason || ') from ' || caller as subject,
        caller as calling_function,
        * exclude (build_id, run_id, caller),
    from callers
),

figures as (
    select *, 'block_ns' as metric, block_ns::double as value, sqrt(block_ns_variance) as standard_error,
    from subjects
    union all by name
    select *, 'block_count' as metric, block_count::double as value, sqrt(block_count) as standard_error,
    from subjects
    union all by name
    select *, 'wait_p99_ns' as metric, p99_ns::double as value, null as standard_error,
    from subjects
    where calling_function is null
)

select
    build_id,
    run_id,
    metric,
    subject,
    function,
    wait_reason,
    calling_function,
    value,
    standard_error,
    'trace' as evidence,
    (
        is_contention and wait_reason <> 'GC mark assist wait for work'
        and not (metric = 'block_count' and is_of_request)
    )::int as polarity,
from figures
