-- The few rows that say most about a file's benchmarks.
select name, unit, count(*) as results, median(value) as median
from rows
group by all
order by name, unit
limit 50
