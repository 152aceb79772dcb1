-- Captures with the run they belong to; a file of the whole build has the run ''.
-- grain: capture_id
select
    capture_id,
    build_id,
    coalesce(run_id, '') as run_id,
    kind,
    format,
    path,
    size_bytes,
    captured_at,
    started_at,
    duration_ns,
    go_version,
    status,
    labels,
from captures
