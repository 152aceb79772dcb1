-- Changes that another load can explain, in words, and the later build that shows them without it.
-- grain: metric, first_subject, ordinal
-- scope: history
-- Another load is at least twice as much to do or half as much, requests that changed by as much, or processors that others
-- used, or no longer did. Where one build of the level before had as much to do, or three had to share the processors as much,
-- it explains nothing. What gets worse although there is less to do, or better although there is more, is a change all the
-- same; so is what lasts when the load is as it was.
with

history as not materialized (
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
        change.level_number,
        change.level_before,
        change.change_before,
        change.negligible,
        loads.condition,
        loads.unit,
        loads.is_per_second,
        loads.is_counted,
        loads.load_ratio,
        loads.value,
        median(loads_before.value) as value_before,
        list_sort(list(abs(ln(loads.value / loads_before.value)))) as log_differences,
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
),

differing as (
    select
        changed.*,
        rules.least_load_ratio,
        -- What others take of the processors hits one wait and not another: one build knows less of it.
        changed.log_differences[
            if(changed.condition = 'time on processors', least(rules.least_builds, len(changed.log_differences)), 1)
        ] as least_log_difference,
    from changed
    cross join rules
),

explained as (
    select *
    from differing
    where (
            -- What nobody counted explains as much as it differs itself; what changes twice as much or more does so otherwise.
            (
                least_log_difference >= ln(load_ratio)
                and (is_counted or abs(change_log_ratio) < abs(ln(value / value_before)) + ln(load_ratio))
            )
            -- So do fewer or more requests a second than in any build before, of a change that is no greater.
            or (
                condition = 'load' and not is_counted
                and greatest(value / most_before, least_before / value) >= least_load_ratio
                and abs(change_log_ratio) <= abs(ln(value / value_before))
            )
        )
        -- A figure per second grows or falls with the duration as it happens to, all others grow with it.
        and (
            (condition = 'duration' and is_per_second)
            or (value - value_before) * change_log_ratio > 0
        )
),

-- At later builds of the new level: whether the figure is nearer to it than to the one before, and the load as it was then.
later as (
    select
        explained.metric,
        explained.first_subject,
        explained.ordinal,
        after.ordinal as later_ordinal,
        bool_and(
            coalesce(
                loads.value between explained.least_before / explained.load_ratio
                    and explained.most_before * explained.load_ratio,
                false
            )
        ) as is_load_as_before,
    from explained
    inner join history as after
        on after.metric = explained.metric
        and after.first_subject = explained.first_subject
        and after.level_number = explained.level_number
        and after.ordinal > explained.ordinal
    left join loads
        on loads.build_id = after.build_id
        and loads.measure = explained.measure
        and loads.condition = explained.condition
        and loads.unit = explained.unit
    where (ln(after.value + explained.negligible) - ln(explained.change_before + explained.negligible)) / explained.change_log_ratio
            > 0.5
    group by explained.metric, explained.first_subject, explained.ordinal, after.ordinal
)

select
    explained.metric,
    explained.first_subject,
    explained.ordinal,
    string_agg(
        format('{} {:.3g} → {:.3g} {}', explained.condition, explained.value_before, explained.value, explained.unit), ', '
        order by explained.condition
    ) as difference,
    (
        select min(later.later_ordinal)
        from later
        where later.is_load_as_before
            and later.metric = explained.metric
            and later.first_subject = explained.first_subject
            and later.ordinal = explained.ordinal
    ) as told_ordinal,
    bool_and(explained.condition = 'time on processors') as is_by_clock,
from explained
group by explained.metric, explained.first_subject, explained.ordinal
