-- The few rows that say most about a file's profile samples.
select sample_type, unit, count(*) as samples, sum(value) as total
from rows
group by all
order by sample_type
