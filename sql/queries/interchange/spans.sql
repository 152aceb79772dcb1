-- Tasks, regions and the runtime's ranges of a capture, as far as they lie within a range of time.
with

spans as (
    select 'tasks' as what, coalesce(name, 'task') || ' #' || task_id as track, coalesce(name, 'task') as name, start_ns,
        duration_ns, 0 as nesting,
    from trace_tasks
    where capture_id = $capture_id
    union all
    select 'regions', 'goroutine ' || goroutine_id, coalesce(name, 'region'), start_ns, duration_ns, nesting,
    from trace_regions
    where capture_id = $capture_id
    union all
    select 'runtime', name || coalesce(' of ' || scope || ' ' || scope_id, ''), name, start_ns, duration_ns, 0,
    from trace_ranges
    where capture_id = $capture_id
)

select what, track, name, start_ns, duration_ns,
from spans
where start_ns < $to_ns and start_ns + duration_ns > $from_ns
order by what, track, start_ns, nesting
