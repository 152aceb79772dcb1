-- Where the contention of each function is seen best: its longest wait, in the task that it held up longest.
-- grain: build_id, function, wait_reason
-- scope: build
-- A wait belongs to the task that its goroutine began last, or in whose region it is where another goroutine began the
-- task. Where the program has no tasks, it is the longest wait of all.
-- Snapshots of a flight recorder are looked at even where they do not count: they were taken to show what happened.
-- DuckDB's own: ASOF join.
with

captures as (
    select * from stg_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

kinds as (
    select * from int_wait_kinds
),

tasks as (
    select * from stg_trace_tasks
),

regions as (
    select * from stg_trace_regions
),

waits as (
    select captures.build_id, kinds.function, kinds.wait_reason, intervals.capture_id, intervals.goroutine_id,
        intervals.start_ns, intervals.duration_ns,
    from intervals
    inner join captures using (capture_id)
    inner join kinds
        on kinds.build_id = captures.build_id
        and kinds.stack_id = intervals.stack_id
        and kinds.reason = coalesce(intervals.reason, 'unknown')
    where intervals.state = 'waiting' and kinds.is_contention
),

spans as (
    select capture_id, goroutine_id, task_id, start_ns, duration_ns
    from tasks
    where is_complete
    union all
    select regions.capture_id, regions.goroutine_id, regions.task_id, regions.start_ns, regions.duration_ns,
    from regions
    inner join tasks
        on tasks.capture_id = regions.capture_id
        and tasks.task_id = regions.task_id
    where tasks.is_complete and tasks.goroutine_id <> regions.goroutine_id
),

worked as (
    select waits.*, if(waits.start_ns < spans.start_ns + spans.duration_ns, spans.task_id, null) as task_id,
    from waits
    asof left join spans
        on spans.capture_id = waits.capture_id
        and spans.goroutine_id = waits.goroutine_id
        and waits.start_ns >= spans.start_ns
),

by_task as (
    select build_id, function, wait_reason, capture_id, task_id,
        sum(duration_ns) as waited_ns,
        arg_max(goroutine_id, (duration_ns, -start_ns, goroutine_id)) as goroutine_id,
        arg_max(start_ns, (duration_ns, -start_ns, goroutine_id)) as start_ns,
        max(duration_ns) as duration_ns,
    from worked
    group by build_id, function, wait_reason, capture_id, task_id
),

-- What no task was held up by counts by its longest wait alone.
best as (
    select distinct on (build_id, function, wait_reason) *
    from by_task
    order by build_id, function, wait_reason, task_id is null, if(task_id is null, duration_ns, waited_ns) desc,
        capture_id, task_id
)

select
    best.build_id,
    best.function,
    best.wait_reason,
    best.capture_id,
    best.goroutine_id,
    best.start_ns,
    best.duration_ns,
    tasks.name as task_name,
    tasks.start_ns as task_start_ns,
    tasks.duration_ns as task_duration_ns,
from best
left join tasks
    on tasks.capture_id = best.capture_id
    and tasks.task_id = best.task_id
