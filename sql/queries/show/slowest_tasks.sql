-- The slowest tasks of a name, or of any, in a build, or the newest that has them.
select
    tasks.build_id,
    tasks.capture_id,
    captures.path,
    tasks.name,
    tasks.goroutine_id,
    tasks.start_ns,
    tasks.duration_ns,
from task_timelines as tasks
inner join captures using (capture_id)
left join builds on builds.build_id = tasks.build_id
where coalesce(tasks.name = $task, true) and coalesce(tasks.build_id = $build, true)
order by builds.ordinal desc, tasks.duration_ns desc, tasks.capture_id, tasks.start_ns
limit 1
