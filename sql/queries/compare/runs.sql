-- The judged series of two builds, run by run; pair: what a run has in common with the one recorded beside it.
-- is_exact: a count without noise: a size of code, or a whole number that three repeats of a benchmark or more agree on.
select points.build_id, points.run_id, run_pairs.pair, points.metric, series.first_subject as subject,
    series.first_function as function, series.first_calling_function as calling_function, points.measure, points.value, points.variance,
    coalesce(points.unit, units.unit) as unit, points.log_value, points.negligible, series.polarity,
    points.measure in ('binary', 'binary_size')
        or coalesce(repeated.repeat_count >= 3 and repeated.standard_error = 0 and points.value = floor(points.value), false)
        as is_exact,
from int_run_points as points
inner join int_series as series using (metric, series_number)
left join int_benchmark_runs as repeated
    on repeated.build_id = points.build_id
    and repeated.run_id = points.run_id
    and repeated.subject = series.first_subject
    and 'bench ' || repeated.unit = points.metric
    and points.metric in (select metric from int_metrics where not is_timed)
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
