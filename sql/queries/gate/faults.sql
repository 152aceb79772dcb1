-- The metrics that need no history, of which the build has whole captures that would show any.
select metric as name
from metrics
semi join (
    select measure from int_run_measures where build_id = $build_id and is_exhaustive
) using (measure)
where is_fault
    and (len($metrics) = 0 or list_contains($metrics, metric))
order by lead_order
