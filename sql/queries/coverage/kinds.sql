-- What is loaded: how many captures of each kind.
select kind, count(*) as captures
from captures
group by kind
order by kind
