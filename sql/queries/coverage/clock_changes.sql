-- Changes by the clock that are no verdicts, the greatest of each build and kind first: their CPU time or the machine tells why.
select
    build_id,
    arg_max(metric, size) as metric,
    arg_max(subject, size) as subject,
    arg_max(unit, size) as unit,
    arg_max(before, size) as before,
    arg_max(after, size) as after,
    arg_max(program_before, size) as program_before,
    arg_max(program_after, size) as program_after,
    arg_max(difference, size) as difference,
    count(*) - 1 as others,
from (select *, abs(log_ratio) as size from int_clock_changes)
group by build_id, difference is null
order by min(ordinal), difference
