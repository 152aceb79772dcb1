-- The builds that are loaded and not published, as their models or checks fail.
select build_id
from load_failures
where path = ''
order by build_id
