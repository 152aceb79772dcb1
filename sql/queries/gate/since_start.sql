-- The sources of which a build's figures are all since the process began, where nothing tells how much or how long that was.
-- Benchmarks say themselves how often they go around.
select distinct measures.measure
from int_run_measures as measures
inner join metric_sources as sources using (measure)
where measures.build_id = $build_id
    and measures.per is null
    and measures.is_comparable
    and sources.divided_by = 'work'
    and measures.measure in (
        select regression_history.measure
        from regression_history
        where regression_history.build_id = $build_id and regression_history.value is not null
    )
    and $build_id not in (select build_id from captures where kind = 'benchmarks')
order by measure
