-- Changes by the clock that are no verdicts, the greatest of each build and kind: their CPU time or the machine tells why.
select build_id, metric, subject, unit, before, after, program_before, program_after, difference,
    count(*) over kind as series_count,
from int_clock_changes
window kind as (partition by ordinal, difference is null)
qualify row_number() over (kind order by abs(log_ratio) desc, metric, subject) = 1
order by ordinal, difference
