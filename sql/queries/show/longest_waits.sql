-- The contended waits that are seen best in a build, or the newest that has some: the one that lasts longest.
select
    waits.build_id,
    waits.capture_id,
    captures.path,
    waits.function as name,
    waits.goroutine_id,
    waits.start_ns,
    waits.duration_ns,
from int_wait_exemplars as waits
inner join captures using (capture_id)
left join builds on builds.build_id = waits.build_id
where coalesce(waits.build_id = $build, true)
order by builds.ordinal desc, waits.duration_ns desc
limit 1
