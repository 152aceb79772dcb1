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

changed as (
    select *, case when log_change * polarity > 0 then 'regressed' else 'improved' end as status,
    from history
    where is_change
),

-- More garbage makes more assists: of one cause, the verdict on the map assignments is enough.
caused as (
    select changed.*,
    from changed
    where not (
        changed.metric = 'gc_assist_ns'
        and exists (
            from changed as cause
            where cause.build_id = changed.build_id
                and cause.status = changed.status
                and starts_with(cause.metric, 'mapassign_')
        )
    )
),

moved as (
    select history.*, 'moved' as status,
    from history
    inner join moves
        on moves.new_function = history.function
        and moves.ordinal = history.ordinal
    -- Where the figure is worth judging.
    where not history.is_change
        and history.p_value is not null
),

verdicts as (
    select * from caused
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
        count(*) filter (where history.ordinal < verdicts.ordinal) as n_before,
        count(*) filter (where history.ordinal >= verdicts.ordinal) as n_after,
        coalesce(sum(history.run_count) filter (where history.ordinal < verdicts.ordinal), 0)::bigint as runs_before,
        coalesce(sum(history.run_count) filter (where history.ordinal >= verdicts.ordinal), 0)::bigint as runs_after,
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
    verdicts.function,
    moves.old_function as moved_from,
    verdicts.unit,
    verdicts.polarity,
    verdicts.expected as before,
    verdicts.value as after,
    verdicts.value / nullif(verdicts.expected, 0) as change_ratio,
    -- Of the ratio, 95 %; a figure that comes from nothing, or goes to nothing, has no ratio worth an interval.
    case
        when least(verdicts.expected, verdicts.value) > 0
            then [
                exp(verdicts.log_change - verdicts.log_half_width),
                exp(verdicts.log_change + verdicts.log_half_width),
            ]
    end as "interval",
    verdicts.p_value,
    verdicts.q_value,
    bases.n_before,
    bases.n_after,
    bases.first_build_id,
    build_order.commit,
    last_paths.call_path,
    concat(
        bases.n_before, ' builds (', bases.runs_before, ' runs) before, ',
        bases.n_after, ' (', bases.runs_after, ') from there on; standard error ',
        round(100 * (exp(verdicts.log_standard_error) - 1), 1), ' %; known by ', last_evidence.evidence
    ) as evidence,
from verdicts
inner join build_order using (build_id)
left join moves
    on moves.new_function = verdicts.function
    and moves.ordinal = verdicts.ordinal
inner join bases
    on bases.metric = verdicts.metric
    and bases.first_subject = verdicts.first_subject
    and bases.ordinal = verdicts.ordinal
left join last_paths
    on last_paths.function = verdicts.function
    and last_paths.ordinal = verdicts.ordinal
left join last_evidence
    on last_evidence.metric = verdicts.metric
    and last_evidence.first_subject = verdicts.first_subject
    and last_evidence.ordinal = verdicts.ordinal
