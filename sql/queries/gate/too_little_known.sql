-- Map metrics of which the builds before could show each site: too little of the candidate's heap is known for that.
with

exhaustive as (
    select distinct builds.ordinal, m.measure
    from int_run_measures as m
    inner join builds using (build_id)
    semi join (select measure from metric_sources where exhaustive = 'maps told') using (measure)
    where m.is_exhaustive
)

select distinct metric
from regression_history as h
semi join (
    select measure from exhaustive where ordinal between $ordinal - $recent and $ordinal - 1
) using (measure)
anti join (select measure from exhaustive where ordinal = $ordinal) using (measure)
where list_contains($metrics, h.metric)
order by metric
