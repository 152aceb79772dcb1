-- Verdicts: where a series got worse or better, or a function changed its name or its share of a caller's cost.
-- grain: build_id, metric, subject
-- scope: history
-- The mart regressions has them with the incident that each belongs to.
with

history as not materialized (
    select * from regression_history
),

moves as (
    select * from int_function_moves
),

shifts as (
    select * from int_cost_shifts
),

loads as (
    select * from int_load_differences
),

by_the_clock as (
    select * from int_clock_changes
),

by_iterations as (
    select * from int_iteration_changes
),

build_order as (
    select * from builds
),

sites as (
    select * from block_mapassign
),

rules as (
    select * from detection_rules
),

faults as (
    select * from metrics
    where is_fault
),

lasting as (
    select change.metric, change.first_subject, change.ordinal, change.found_ordinal, loads.told_ordinal, loads.difference,
    from history as change
    left join loads using (metric, first_subject, ordinal)
    anti join by_iterations using (metric, first_subject, ordinal)
    where change.is_change
),

-- A small change is known only some builds later: then the verdict is of the build that made it known. What another load may
-- explain is told again where it lasts without it.
tellings as (
    select metric, first_subject, ordinal, found_ordinal as known_ordinal,
        if(told_ordinal <= found_ordinal, null, difference) as difference,
    from lasting
    anti join by_the_clock using (metric, first_subject, ordinal)
    union all
    select metric, first_subject, ordinal, told_ordinal, null,
    from lasting
    where told_ordinal > found_ordinal
),

changed as (
    select
        known.build_id,
        known.ordinal,
        known.metric,
        known.subject,
        known.function,
        known.calling_function,
        known.first_subject,
        change.unit,
        change.polarity,
        case
            when shifts.caller is not null then 'cost_shift'
            when tellings.difference is not null then 'not_comparable'
            when change.change_log_ratio * change.polarity > 0 then 'regressed'
            else 'improved'
        end as status,
        case when known.ordinal = change.ordinal then 'at_once' else 'later' end as found,
        change.ordinal as first_ordinal,
        change.level_number,
        change.level_before,
        true as is_change,
        change.change_before as before,
        change.negligible,
        change.change_log_ratio as log_ratio,
        change.change_log_half_width as log_half_width,
        change.change_log_standard_error as log_standard_error,
        change.change_p_value as p_value,
        change.change_q_value as q_value,
        tellings.difference as not_comparable,
        shifts.caller,
        shifts.caller_before,
        shifts.caller_after,
    from tellings
    inner join history as change using (metric, first_subject, ordinal)
    inner join history as known
        on known.metric = change.metric
        and known.first_subject = change.first_subject
        and known.ordinal = tellings.known_ordinal
    left join shifts
        on shifts.metric = change.metric
        and shifts.first_subject = change.first_subject
        and shifts.ordinal = change.ordinal
),

-- Another figure, but of another Go version, machine or sampling: whose doing it is nobody can tell.
not_comparable as (
    select
        history.build_id,
        history.ordinal,
        history.metric,
        history.subject,
        history.function,
        history.calling_function,
        history.first_subject,
        history.unit,
        history.polarity,
        'not_comparable' as status,
        'at_once' as found,
        history.ordinal as first_ordinal,
        history.level_number,
        history.level_before,
        true as is_change,
        history.expected as before,
        history.negligible,
        history.log_change as log_ratio,
        history.log_half_width,
        history.log_standard_error,
        history.p_value,
        history.q_value,
        history.not_comparable,
        null as caller,
        null as caller_before,
        null as caller_after,
    from history
    cross join rules
    where history.not_comparable is not null
        and history.q_value <= rules.false_share
        and abs(history.log_change) >= ln(1 + rules.least_ratio)
),

moved as (
    select
        history.build_id,
        history.ordinal,
        history.metric,
        history.subject,
        history.function,
        history.calling_function,
        history.first_subject,
        history.unit,
        history.polarity,
        'moved' as status,
        'at_once' as found,
        history.ordinal as first_ordinal,
        history.level_number,
        history.level_before,
        false as is_change,
        history.expected as before,
        history.negligible,
        history.log_change as log_ratio,
        history.log_half_width,
        history.log_standard_error,
        history.p_value,
        history.q_value,
        null as not_comparable,
        null as caller,
        null as caller_before,
        null as caller_after,
    from history
    inner join moves
        on moves.new_function = history.function
        and moves.ordinal = history.ordinal
    anti join (
        select metric, subject, ordinal from changed
        union all
        select metric, subject, ordinal from not_comparable
    ) as told
        on told.metric = history.metric
        and told.subject = history.subject
        and told.ordinal = history.ordinal
    -- Where the figure is worth judging.
    where history.p_value is not null
),

-- A leaked goroutine or a data race needs no history: it is a regression of the first build that has it.
at_fault as (
    select
        build_id,
        ordinal,
        metric,
        subject,
        function,
        calling_function,
        first_subject,
        history.unit,
        history.polarity,
        'regressed' as status,
        'at_once' as found,
        ordinal as first_ordinal,
        level_number,
        level_before,
        false as is_change,
        0.0::double as before,
        negligible,
        ln(value + negligible) - ln(negligible) as log_ratio,
        null::double as log_half_width,
        null::double as log_standard_error,
        null::double as p_value,
        null::double as q_value,
        null as not_comparable,
        null as caller,
        null as caller_before,
        null as caller_after,
    from history
    inner join faults using (metric)
    where value >= 1
    -- What one source said before is no news of another: a dump calls leaked what an earlier profile counted.
    qualify ordinal = min(ordinal) over (partition by faults.family, first_subject)
        -- Where builds without it came before, it may be a change like any other.
        and not bool_or(is_change and change_log_ratio > 0) over (partition by metric, first_subject)
),

told as (
    select * from changed
    union all
    select * from at_fault
    union all
    select * from not_comparable
    union all
    select * from moved
),

-- From logarithms of what is seen and what is negligible together to what is seen.
verdicts as (
    select
        *,
        -- Nothing, where only rounding is left.
        case
            when (before + negligible) * exp(log_ratio) > negligible * (1 + 1e-9)
                then (before + negligible) * exp(log_ratio) - negligible
            else 0
        end as after,
        greatest((before + negligible) * exp(log_ratio - log_half_width) - negligible, 0) as after_low,
        greatest((before + negligible) * exp(log_ratio + log_half_width) - negligible, 0) as after_high,
    from told
),

-- A function that is gone was last seen before.
last_paths as (
    select verdicts.function, verdicts.ordinal, arg_max(sites.call_path, build_order.ordinal) as call_path,
    from (select distinct function, ordinal from verdicts) as verdicts
    inner join sites on sites.function = verdicts.function
    inner join build_order
        on build_order.build_id = sites.build_id
        and build_order.ordinal <= verdicts.ordinal
    group by verdicts.function, verdicts.ordinal
),

-- The builds that the verdict rests on: the level before it, and what followed until the next change.
bases as (
    select
        verdicts.metric,
        verdicts.first_subject,
        verdicts.ordinal,
        count(*) filter (where history.ordinal < verdicts.first_ordinal) as n_before,
        count(*) filter (where history.ordinal >= verdicts.first_ordinal) as n_after,
        coalesce(sum(history.run_count) filter (where history.ordinal < verdicts.first_ordinal), 0)::bigint
            as runs_before,
        coalesce(sum(history.run_count) filter (where history.ordinal >= verdicts.first_ordinal), 0)::bigint
            as runs_after,
        arg_min(history.build_id, history.ordinal) filter (where history.level_number = verdicts.level_number)
            as first_build_id,
    from verdicts
    inner join history
        on history.metric = verdicts.metric
        and history.first_subject = verdicts.first_subject
        and (
            history.level_number = verdicts.level_number
            or (history.level_number = verdicts.level_before and verdicts.is_change)
        )
    where not history.went_away
    group by verdicts.metric, verdicts.first_subject, verdicts.ordinal
),

-- What took an earlier change of the series back: no farther from the level before that one than chance lets expect.
returned as (
    select verdicts.metric, verdicts.first_subject, verdicts.ordinal, any_value(earlier.build_id) as build_id,
    from verdicts
    inner join history as earlier
        on earlier.metric = verdicts.metric
        and earlier.first_subject = verdicts.first_subject
        and earlier.level_number = verdicts.level_before
        and earlier.is_change
    where verdicts.is_change
        and abs(ln(verdicts.after + verdicts.negligible) - ln(earlier.change_before + earlier.negligible))
            <= verdicts.log_half_width
    group by verdicts.metric, verdicts.first_subject, verdicts.ordinal
),

-- What the others of a timed metric did at the build that shows the verdict.
shared as (
    select distinct metric, ordinal, shared_log_change
    from history
    where shared_log_change <> 0
),

last_evidence as (
    select verdicts.metric, verdicts.first_subject, verdicts.ordinal,
        arg_max(history.evidence, history.ordinal) as evidence,
    from verdicts
    inner join history
        on history.metric = verdicts.metric
        and history.first_subject = verdicts.first_subject
        and history.ordinal <= verdicts.ordinal
        and history.evidence is not null
    group by verdicts.metric, verdicts.first_subject, verdicts.ordinal
)

select
    verdicts.build_id,
    verdicts.metric,
    verdicts.subject,
    verdicts.status,
    verdicts.found,
    verdicts.function,
    verdicts.calling_function,
    verdicts.first_subject,
    verdicts.first_ordinal,
    verdicts.negligible,
    moves.old_function as moved_from,
    verdicts.unit,
    verdicts.polarity,
    verdicts.before,
    verdicts.after,
    verdicts.after / nullif(verdicts.before, 0) as change_ratio,
    -- A figure that comes from nothing has no ratio.
    case
        when verdicts.before > 0 and verdicts.log_half_width is not null
            then [verdicts.after_low / verdicts.before, verdicts.after_high / verdicts.before]
    end as "interval",
    verdicts.p_value,
    verdicts.q_value,
    bases.n_before,
    bases.n_after,
    first_build.build_id as first_build_id,
    first_build.commit,
    last_paths.call_path,
    returned.build_id as as_before_build_id,
    verdicts.caller,
    verdicts.caller_before,
    verdicts.caller_after,
    concat(
        verdicts.not_comparable || ': not compared; ',
        'moved between what ' || verdicts.caller || ' calls: with all below it ' || verdicts.caller
        || ' cost ' || format('{:.4g}', verdicts.caller_before) || ' ' || verdicts.unit || ' before and '
        || format('{:.4g}', verdicts.caller_after) || ' after; ',
        bases.n_before, if(bases.n_before = 1, ' build (', ' builds ('),
        bases.runs_before, if(bases.runs_before = 1, ' run) before, ', ' runs) before, '),
        bases.n_after, ' (', bases.runs_after, ') from there on',
        if(
            shared.shared_log_change > 0,
            '; beside all others of the build, which are ' || format('{:.3g}', exp(shared.shared_log_change))
            || ' times what they were',
            '; beside all others of the build, which are 1/' || format('{:.3g}', exp(-shared.shared_log_change))
            || ' of what they were'
        ),
        '; as it was before ' || returned.build_id,
        '; standard error ' || round(100 * (exp(verdicts.log_standard_error) - 1), 1) || ' %',
        '; known by ', last_evidence.evidence
    ) as evidence,
    -- The series, to be run as it stands.
    concat(
        'select build_id, value, expected, expected_interval, is_change, q_value from regression_history ',
        'where metric = ''',
        replace(verdicts.metric, '''', ''''''), ''' and first_subject = ''',
        replace(verdicts.first_subject, '''', ''''''), ''' order by ordinal'
    ) as query,
from verdicts
left join moves
    on moves.new_function = verdicts.function
    and moves.ordinal = verdicts.ordinal
inner join bases
    on bases.metric = verdicts.metric
    and bases.first_subject = verdicts.first_subject
    and bases.ordinal = verdicts.ordinal
inner join build_order as first_build
    -- A move or a fault begins no level: it is of the build that shows it.
    on first_build.build_id = if(
        verdicts.status = 'moved' or verdicts.metric in (select metric from faults),
        verdicts.build_id,
        bases.first_build_id
    )
left join last_paths
    on last_paths.function = verdicts.function
    and last_paths.ordinal = verdicts.ordinal
left join shared
    on shared.metric = verdicts.metric
    and shared.ordinal = verdicts.ordinal
left join returned
    on returned.metric = verdicts.metric
    and returned.first_subject = verdicts.first_subject
    and returned.ordinal = verdicts.ordinal
left join last_evidence
    on last_evidence.metric = verdicts.metric
    and last_evidence.first_subject = verdicts.first_subject
    and last_evidence.ordinal = verdicts.ordinal
