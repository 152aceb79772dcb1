-- Changes of the time that goroutines ran which the program's CPU time contradicts: they ran longer by the clock alone.
-- grain: metric, first_subject, ordinal
-- scope: history
-- Whoever shares the machine's processors, or slows them, makes what runs take longer, and no more CPU time: up to twice as
-- long, as another load does. Contradicted is what CPU profiles of the build that it begins with show less than half of,
-- beside what they showed before.
with

history as (
    select * from regression_history
),

rules as (
    select * from detection_rules
)

select
    change.metric,
    change.first_subject,
    change.ordinal,
    change.build_id,
    change.subject,
    change.unit,
    change.change_before as before,
    change.change_after as after,
    program.expected as program_before,
    program.value as program_after,
from history as change
cross join rules
inner join history as program
    on program.metric = 'process_cpu_ns'
    and program.ordinal = change.ordinal
    and program.unit = change.unit
where change.metric = 'running_ns'
    and change.is_change
    and abs(change.change_log_ratio) <= ln(rules.load_ratio)
    and program.not_comparable is null
    and sign(change.change_after - change.change_before) * (program.value - program.expected)
        < 0.5 * abs(change.change_after - change.change_before)
