-- The few rows that say most about a file's call sites.
select callee, count(*) as calls
from rows
group by all
order by calls desc
limit 30
