-- The few rows that say most about a file's trace ranges.
select name, scope, count(*) as ranges, sum(duration_ns) as total_ns
from rows
group by all
order by total_ns desc
limit 20
