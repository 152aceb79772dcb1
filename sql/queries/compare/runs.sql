-- The judged series of two builds, run by run; pair: what a run has in common with the one recorded beside it.
select points.build_id, points.run_id, run_pairs.pair, points.metric, series.first_subject as subject,
    series.first_function as function, series.first_calling_function as calling_function, points.measure, points.value, points.variance,
    coalesce(points.unit, units.unit) as unit, points.log_value, points.negligible, series.polarity,
from int_run_points as points
inner join int_series as series using (metric, series_number)
left join run_pairs
    on run_pairs.build_id = points.build_id
    and run_pairs.run_id = points.run_id
left join (
    select metric, any_value(unit) as unit
    from observations
    where build_id in ($before, $after)
    group by metric
) as units using (metric)
where points.build_id in ($before, $after)
order by points.metric, series.first_subject, points.build_id, points.run_id
