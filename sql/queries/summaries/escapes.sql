-- The few rows that say most about a file's escapes.
select kind, count(*) as sites
from rows
group by all
order by sites desc
