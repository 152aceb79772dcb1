-- The incidents of a build, the gravest first, where it is seen, in which time.
select build_id, metric, coalesce(function, subject) as name, exemplar_capture_id,
    coalesce(exemplar_task_start_ns, exemplar_start_ns) as start_ns,
    if(exemplar_task_start_ns is null, exemplar_duration_ns, exemplar_task_duration_ns) as duration_ns,
from incidents
where build_id = $build_id
    and (
        $function is null
        -- Go escapes the dots of a path's last part.
        or contains(replace(coalesce(function, subject), '%2e', '.'), replace($function, '%2e', '.'))
    )
order by incident_rank
