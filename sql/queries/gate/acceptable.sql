-- The verdicts that can be accepted. Who names a function means all of it, not the part of one caller.
select build_id, first_build_id, metric, subject, if(calling_function is null, function, null) as function
from regressions
where status in ('regressed', 'not_comparable')
