-- Verdicts: where a series changed for the worse or the better, and where a function only changed its name.
-- grain: build_id, metric, subject
-- scope: history
with

history as (
    select * from regression_history
),

moves as (
    select * from int_function_moves
),

build_order as (
    select * from builds
),

sites as (
    select * from block_mapassign
),

-- A small change is known only some builds later: then the verdict is of the build that made it known.
changed as (
    select
        known.build_id,
        known.ordinal,
        known.metric,
        known.subject,
        known.function,
        known.first_subject,
        change.unit,
        change.polarity,
        case when change.change_log_ratio * change.polarity > 0 then 'regressed' else 'improved' end as status,
        case when known.ordinal = change.ordinal then 'at_once' else 'later' end as found,
        change.ordinal as first_ordinal,
        change.level_number,
        true as is_change,
        change.change_before as before,
        change.change_after as after,
        change.change_log_ratio as log_ratio,
        change.change_log_half_width as log_half_width,
        change.change_log_standard_error as log_standard_error,
        change.change_p_value as p_value,
        change.change_q_value as q_value,
        null as not_comparable,
    from history as change
    inner join history as known
        on known.metric = change.metric
        and known.first_subject = change.first_subject
        and known.ordinal = change.found_ordinal
    where change.is_change
),

-- More garbage makes more assists: of one cause, the verdict on the map assignments is enough.
caused as (
    select changed.*,
    from changed
    where not (
        changed.metric = 'gc_assist_ns'
        and exists (
            from changed as cause
            where cause.first_ordinal = changed.first_ordinal
                and cause.status = changed.status
                and starts_with(cause.metric, 'mapassign_')
        )
    )
),

-- Another figure, but of another Go version, machine or sampling: whose doing it is nobody can tell.
not_comparable as (
    select
        history.build_id,
        history.ordinal,
        history.metric,
        history.subject,
        history.function,
        history.first_subject,
        history.unit,
        history.polarity,
        'not_comparable' as status,
        'at_once' as found,
        history.ordinal as first_ordinal,
        history.level_number,
        true as is_change,
        history.expected as before,
        history.value as after,
        history.log_change as log_ratio,
        history.log_half_width,
        history.log_standard_error,
        history.p_value,
        history.q_value,
        history.not_comparable,
    from history
    where history.not_comparable is not null
        and history.q_value <= 0.01
        and abs(history.log_change) >= ln(1.02)
),

moved as (
    select
        history.build_id,
        history.ordinal,
        history.metric,
        history.subject,
        history.function,
        history.first_subject,
        history.unit,
        history.polarity,
        'moved' as status,
        'at_once' as found,
        history.ordinal as first_ordinal,
        history.level_number,
        false as is_change,
        history.expected as before,
        history.value as after,
        history.log_change as log_ratio,
        history.log_half_width,
        history.log_standard_error,
        history.p_value,
        history.q_value,
        null as not_comparable,
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

verdicts as (
    select * from caused
    union all
    select * from not_comparable
    union all
    select * from moved
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
            or (history.level_number = verdicts.level_number - 1 and verdicts.is_change)
        )
    where not history.went_away
    group by verdicts.metric, verdicts.first_subject, verdicts.ordinal
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
    moves.old_function as moved_from,
    verdicts.unit,
    verdicts.polarity,
    verdicts.before,
    verdicts.after,
    verdicts.after / nullif(verdicts.before, 0) as change_ratio,
    -- Of the ratio, 95 %; a figure that comes from nothing, or goes to nothing, has no ratio worth an interval.
    case
        when least(verdicts.before, verdicts.after) > 0
            then [
                exp(verdicts.log_ratio - verdicts.log_half_width),
                exp(verdicts.log_ratio + verdicts.log_half_width),
            ]
    end as "interval",
    verdicts.p_value,
    verdicts.q_value,
    bases.n_before,
    bases.n_after,
    bases.first_build_id,
    first_build.commit,
    last_paths.call_path,
    concat(
        verdicts.not_comparable || ': not compared; ',
        bases.n_before, ' builds (', bases.runs_before, ' runs) before, ',
        bases.n_after, ' (', bases.runs_after, ') from there on; standard error ',
        round(100 * (exp(verdicts.log_standard_error) - 1), 1), ' %; known by ', last_evidence.evidence
    ) as evidence,
from verdicts
left join moves
    on moves.new_function = verdicts.function
    and moves.ordinal = verdicts.ordinal
inner join bases
    on bases.metric = verdicts.metric
    and bases.first_subject = verdicts.first_subject
    and bases.ordinal = verdicts.ordinal
inner join build_order as first_build on first_build.build_id = bases.first_build_id
left join last_paths
    on last_paths.function = verdicts.function
    and last_paths.ordinal = verdicts.ordinal
left join last_evidence
    on last_evidence.metric = verdicts.metric
    and last_evidence.first_subject = verdicts.first_subject
    and last_evidence.ordinal = verdicts.ordinal
