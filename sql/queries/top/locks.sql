-- Who of a build waited for whom: the line that waits and the line that ended the wait.
select 1 as place, * exclude (build_id),
from lock_waits
where build_id = $build_id
order by block_ns desc, function, line, holder_function, holder_line, wait_reason
