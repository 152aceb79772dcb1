-- The names of tasks.
select distinct name
from task_timelines
order by name
