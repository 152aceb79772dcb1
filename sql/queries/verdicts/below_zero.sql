-- The figures of these builds that are not judged as one of their runs has them below zero.
select distinct metric, subject,
from int_below_zero
where list_contains($builds, build_id)
    and (len($metrics) = 0 or list_contains($metrics, metric))
order by metric, subject
