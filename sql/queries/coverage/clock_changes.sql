-- Changes of the time that goroutines ran that are no verdicts, as the program's CPU time did not change with it.
select build_id, subject, unit, before, after, program_before, program_after,
from int_clock_changes
order by ordinal, subject
