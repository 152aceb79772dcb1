-- Changes by the clock alone that are no verdicts: goroutines ran longer for no more CPU time, or all got better with the machine.
-- grain: metric, first_subject, ordinal
-- scope: history
-- Whoever shares the machine's processors, or slows them, makes what runs take longer, and no more CPU time: up to twice as
-- long, as another load does. Contradicted is what CPU profiles of the build that it begins with show less than half of,
-- beside what they showed before. What gets better when others no longer use the processors needs no word of its own; what gets
-- worse when they do is not compared (int_load_differences).
with

history as (
    select * from regression_history
),

loads as (
    select * from int_load_differences
    where is_by_clock
),

rules as (
    select * from detection_rules
),

contradicted as (
    select change.metric, change.first_subject, change.ordinal, program.expected as program_before, program.value as program_after,
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
    change.change_log_ratio as log_ratio,
    contradicted.program_before,
    contradicted.program_after,
    case when contradicted.metric is null then loads.difference end as difference,
from history as change
left join contradicted using (metric, first_subject, ordinal)
left join loads using (metric, first_subject, ordinal)
where change.is_change
    and (contradicted.metric is not null or (loads.metric is not null and change.change_log_ratio * change.polarity < 0))
