-- By build, changes that are no verdicts, as benchmarks chose to go around more often or less; the one that changed most.
select
    build_id,
    count(*) as series_count,
    arg_max(metric, greatness) as metric,
    arg_max(subject, greatness) as subject,
    arg_max(unit, greatness) as unit,
    arg_max(before, greatness) as before,
    arg_max("after", greatness) as after,
    arg_max(benchmark, greatness) as benchmark,
    arg_max(iterations_before, greatness) as iterations_before,
    arg_max(iterations, greatness) as iterations,
from (
    select *, (abs(ln(iterations / iterations_before)), abs("after" - before), metric, subject) as greatness,
    from int_iteration_changes
    where is_change
)
group by build_id, ordinal
order by ordinal
