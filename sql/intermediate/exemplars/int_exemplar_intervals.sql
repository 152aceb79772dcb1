-- What goroutines did around the exemplars of a build's costliest waits: lanes that outlive the raw intervals.
-- grain: build_id, capture_id, goroutine_id, start_ns
-- scope: build
-- Of the five functions with the most contention; of the goroutines that waited in the same function at the time or
-- woke one that did, the twenty that did so longest; of these the two thousand longest stays in a state.
with

captures as (
    select * from stg_captures
),

exemplars as (
    select * from int_wait_exemplars
),

intervals as (
    select * from stg_goroutine_intervals
),

kinds as (
    select * from int_wait_kinds
),

sites as (
    select * from int_stack_sites
),

waited as (
    select * from int_function_waits
),

costliest as (
    select build_id, function, wait_reason,
        row_number() over (partition by build_id order by sum(block_ns) desc, function, wait_reason) as place,
    from waited
    where is_contention
    group by build_id, function, wait_reason
),

-- The task, or the wait with a tenth of its length on each side.
windows as (
    select exemplars.build_id, exemplars.function, exemplars.wait_reason, exemplars.capture_id,
        exemplars.goroutine_id,
        coalesce(exemplars.task_start_ns, greatest(exemplars.start_ns - exemplars.duration_ns // 10, 0)) as from_ns,
        coalesce(
            exemplars.task_start_ns + exemplars.task_duration_ns,
            exemplars.start_ns + exemplars.duration_ns + exemplars.duration_ns // 10
        ) as to_ns,
    from exemplars
    inner join costliest using (build_id, function, wait_reason)
    where costliest.place <= 5
),

inside as (
    select windows.build_id, windows.function, windows.wait_reason, windows.goroutine_id as chief_goroutine_id,
        intervals.*,
        least(intervals.start_ns + intervals.duration_ns, windows.to_ns)
            - greatest(intervals.start_ns, windows.from_ns) as inside_ns,
    from windows
    inner join intervals
        on intervals.capture_id = windows.capture_id
        and intervals.start_ns < windows.to_ns
        and intervals.start_ns + intervals.duration_ns > windows.from_ns
),

-- Who waits in the function, who wakes those, and whose exemplar it is.
concerned as (
    select inside.build_id, inside.function, inside.wait_reason,
        unnest([inside.goroutine_id, inside.waker_goroutine_id]) as goroutine_id,
        inside.inside_ns,
    from inside
    inner join kinds
        on kinds.build_id = inside.build_id
        and kinds.stack_id = inside.stack_id
        and kinds.reason = coalesce(inside.reason, 'unknown')
    where inside.state = 'waiting' and kinds.function = inside.function
    union all
    select build_id, function, wait_reason, chief_goroutine_id, to_ns - from_ns
    from (
        select *, goroutine_id as chief_goroutine_id,
        from windows
    )
),

lanes as (
    select build_id, function, wait_reason, goroutine_id,
        row_number() over (
            partition by build_id, function, wait_reason order by sum(inside_ns) desc, goroutine_id
        ) as place,
    from concerned
    where goroutine_id is not null
    group by build_id, function, wait_reason, goroutine_id
),

kept as (
    select inside.*,
        row_number() over (
            partition by inside.build_id, inside.function, inside.wait_reason
            order by inside.inside_ns desc, inside.goroutine_id, inside.start_ns
        ) as length_place,
    from inside
    inner join lanes
        on lanes.build_id = inside.build_id
        and lanes.function = inside.function
        and lanes.wait_reason = inside.wait_reason
        and lanes.goroutine_id = inside.goroutine_id
    where lanes.place <= 20
),

-- Windows of two functions may overlap.
distinct_ones as (
    select distinct build_id, capture_id, goroutine_id, start_ns, duration_ns, state, reason, stack_id,
        waker_goroutine_id, waker_stack_id,
    from kept
    where length_place <= 2000
)

select
    distinct_ones.build_id,
    distinct_ones.capture_id,
    distinct_ones.goroutine_id,
    distinct_ones.start_ns,
    distinct_ones.duration_ns,
    distinct_ones.state,
    coalesce(distinct_ones.reason, if(distinct_ones.state = 'waiting', sites.parked_reason, null)) as reason,
    sites.function,
    sites.file,
    sites.line,
    distinct_ones.waker_goroutine_id,
    wakers.function as waker_function,
    wakers.file as waker_file,
    wakers.line as waker_line,
from distinct_ones
semi join captures using (capture_id)
left join sites
    on sites.build_id = distinct_ones.build_id
    and sites.stack_id = distinct_ones.stack_id
left join sites as wakers
    on wakers.build_id = distinct_ones.build_id
    and wakers.stack_id = distinct_ones.waker_stack_id
