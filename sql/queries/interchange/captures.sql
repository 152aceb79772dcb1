-- The captures of a name: an id, or the end of a path, or all where none is given.
select capture_id, build_id, path, kind, coalesce(duration_ns, 0) as duration_ns,
    coalesce(epoch_ns(coalesce(captured_at, started_at)), 0)::bigint as time_ns,
from captures
where $capture is null or capture_id = $capture or path = $capture or ends_with(path, '/' || $capture)
order by path
