-- By build, changes that are no verdicts, as benchmarks chose to go around more often or less; the one that changed most.
select build_id, metric, subject, unit, "before", "after", benchmark, iterations_before, iterations,
    count(*) over build as series_count,
from int_iteration_changes
where is_change and not is_judged_per_operation
window build as (partition by ordinal)
qualify row_number() over (
    build order by abs(ln(iterations / iterations_before)) desc, abs("after" - "before") desc, metric, subject
) = 1
order by ordinal
