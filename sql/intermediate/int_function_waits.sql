-- Time that goroutines waited in each function, and whether the wait is contention or merely idleness.
-- grain: build_id, run_id, function, wait_reason
-- scope: build
-- The runtime says `sync` for locks, for WaitGroup.Wait and for its own semaphores (runtime.GC); the stack tells
-- them apart.
with

captures as (
    select * from stg_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

sites as (
    select * from int_stack_sites
),

waits as (
    select
        captures.build_id,
        captures.run_id,
        sites.function,
        case
            when intervals.reason = 'sync' and starts_with(sites.wait_function, 'sync.(*WaitGroup)')
                then 'sync.(*WaitGroup).Wait'
            when intervals.reason = 'sync' and starts_with(sites.wait_function, 'runtime.') then 'runtime semaphore'
            else coalesce(intervals.reason, 'unknown')
        end as wait_reason,
        sites.is_user_code,
        intervals.duration_ns,
    from intervals
    inner join captures using (capture_id)
    inner join sites
        on sites.build_id = captures.build_id
        and sites.stack_id = intervals.stack_id
    where intervals.state = 'waiting'
)

-- What waits for work (a receive, a select, the network, a timer, a WaitGroup, the runtime's own workers) waits
-- longer when there is less to do: that is neither better nor worse.
select
    build_id,
    run_id,
    function,
    wait_reason,
    bool_or(is_user_code) and wait_reason in ('sync', 'chan send', 'GC mark assist wait for work') as is_contention,
    count(*) as block_count,
    sum(duration_ns)::bigint as block_ns,
    quantile_disc(duration_ns, 0.99)::bigint as p99_ns,
    sum(duration_ns::double * duration_ns) as block_ns_variance,
from waits
group by build_id, run_id, function, wait_reason
