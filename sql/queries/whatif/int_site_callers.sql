-- No callers: what is made worse is so in observations alone, and no caller's sum can tell it from a move.
select *
from published.main.int_site_callers
where false
