-- The figures of these builds that are not judged as one of their runs has them below zero.
select distinct metric, subject,
from observations
where polarity = 0 and value < 0
    and starts_with(metric, 'bench ')
    and list_contains($builds, build_id)
    and (len($metrics) = 0 or list_contains($metrics, metric))
order by metric, subject
