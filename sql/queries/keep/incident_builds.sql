-- The builds at which an incident begins.
select distinct build_id
from incidents
