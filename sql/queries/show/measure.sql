-- What a metric is taken from and its unit, before it is divided.
select measure, unit
from metrics
where metric = $metric
