-- Changes that another load can explain, in words: at least twice as much to do or half as much, or requests that changed by as much.
-- grain: metric, first_subject, ordinal
-- scope: history
-- Where one build of the level before had as much to do, the load explains nothing. What gets worse although there is less to do, or better although there is more, is a change all the same.
with

history as (
    select * from regression_history
),

loads as (
    select * from int_build_loads
),

rules as (
    select * from detection_rules
),

changed as (
    select
        change.metric,
        change.first_subject,
        change.ordinal,
        change.measure,
        change.change_log_ratio,
        loads.condition,
        loads.unit,
        loads.is_per_second,
        loads.is_counted,
        loads.value,
        median(loads_before.value) as value_before,
        min(abs(ln(loads.value / loads_before.value))) as least_log_difference,
        max(loads_before.value) as most_before,
        min(loads_before.value) as least_before,
    from history as change
    inner join loads
        on loads.build_id = change.build_id
        and loads.measure = change.measure
    inner join history as before
        on before.metric = change.metric
        and before.first_subject = change.first_subject
        and before.level_number = change.level_before
        and before.ordinal < change.ordinal
    inner join loads as loads_before
        on loads_before.build_id = before.build_id
        and loads_before.measure = change.measure
        and loads_before.condition = loads.condition
        and loads_before.unit = loads.unit
    where change.is_change
    group by all
)

select
    metric,
    first_subject,
    ordinal,
    string_agg(format('{} {:.3g} → {:.3g} {}', condition, value_before, value, unit), ', ' order by condition)
        as difference,
from changed
cross join rules
where (
        -- What nobody counted explains as much as it differs itself; what changes twice as much or more does so otherwise.
        (
            least_log_difference >= ln(rules.load_ratio)
            and (is_counted or abs(change_log_ratio) < abs(ln(value / value_before)) + ln(rules.load_ratio))
        )
        -- So do fewer or more requests a second than in any build before, of a change that is no greater.
        or (
            condition = 'load' and not is_counted
            and greatest(value / most_before, least_before / value) >= rules.least_load_ratio
            and abs(change_log_ratio) <= abs(ln(value / value_before))
        )
    )
    -- A figure per second grows or falls with the duration as it happens to, all others grow with it.
    and (
        (condition = 'duration' and is_per_second)
        or (value - value_before) * change_log_ratio > 0
    )
group by metric, first_subject, ordinal
