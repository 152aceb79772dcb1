-- What each wait is: its reason told apart by the stack, and whether it is contention or merely idleness.
-- grain: build_id, stack_id, reason
-- scope: build
-- The runtime says `sync` for locks, for WaitGroup.Wait and for its own semaphores (runtime.GC); the stack tells
-- them apart. Of a wait that lasts throughout a capture it tells no reason, but from Go 1.23 on where the goroutine is
-- parked (parked_reason), and that is one: a stream that was open before would else begin to wait with the first that
-- is opened later.
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
    select distinct captures.build_id, intervals.stack_id, coalesce(intervals.reason, 'unknown') as reason,
    from intervals
    inner join captures using (capture_id)
    where intervals.state = 'waiting'
),

told as (
    select
        sites.build_id,
        sites.stack_id,
        sites.path_id,
        sites.function,
        sites.is_user_code,
        waits.reason,
        sites.is_within_request,
        coalesce(nullif(waits.reason, 'unknown'), sites.parked_reason, 'unknown') as told_reason,
        case
            when told_reason = 'sync' and starts_with(sites.wait_function, 'sync.(*WaitGroup)')
                then 'sync.(*WaitGroup).Wait'
            when told_reason = 'sync' and starts_with(sites.wait_function, 'runtime.') then 'runtime semaphore'
            else told_reason
        end as wait_reason,
    from waits
    inner join sites
        on sites.build_id = waits.build_id
        and sites.stack_id = waits.stack_id
),

-- What waits for work (a receive, a select, the network, a timer, a WaitGroup, the runtime's own workers) waits
-- longer when there is less to do: that is neither better nor worse. Within a request it is what the request waits for.
-- The handler of a stream waits there too when it is idle, but no longer than the stream lives: its time is as long as
-- there are streams, only its number follows the events.
judged as (
    select
        *,
        is_user_code and wait_reason in ('sync', 'chan send', 'GC mark assist wait for work') as is_shortage,
        is_user_code and is_within_request and wait_reason in (
            'chan receive', 'select', 'network', 'sleep', 'sync.(*Cond).Wait', 'sync.(*WaitGroup).Wait'
        ) as is_of_request,
    from told
)

select
    build_id,
    stack_id,
    reason,
    path_id,
    function,
    wait_reason || if(is_of_request, ' within a request', '') as wait_reason,
    is_shortage or is_of_request as is_contention,
    is_of_request,
from judged
