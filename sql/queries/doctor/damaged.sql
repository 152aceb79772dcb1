-- The captures that are damaged, and of how many issues are noted.
select build_id, path, status, issue_count
from captures
where status <> 'ok'
order by build_id, path
