-- The few rows that say most about a file's goroutine intervals.
select state, reason, count(*) as intervals, sum(duration_ns) as total_ns
from rows
group by all
order by total_ns desc
limit 20
