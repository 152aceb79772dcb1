-- No two builds have the same place in the sequence, and none has a place beyond their number.
select ordinal, count(*) as build_count,
from builds
group by ordinal
having count(*) > 1 or ordinal not between 1 and (select count(*) from builds)
