-- The few rows that say most about a file's goroutine dump.
select state, count(*) as goroutines, max(wait_minutes) as longest_wait_minutes
from rows
group by all
order by goroutines desc
limit 20
