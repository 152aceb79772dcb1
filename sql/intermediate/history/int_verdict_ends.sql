-- From which build on a regression is over.
-- grain: metric, first_subject, first_ordinal
-- scope: all
-- It is over when it is back by more than half, or when builds no longer compare and never do again. What changes under
-- other conditions than those that it was found under says nothing of it.
with

verdicts as (
    select * from int_verdicts
),

history as (
    select * from regression_history
),

build_order as (
    select * from builds
),

conditions as (
    select *, max(ordinal) over (partition by measure, context) as last_ordinal,
    from int_conditions
),

described as (
    select * from int_metrics
),

-- What only a later build made known is in the history of builds that were judged together with that one.
changes as (
    select metric, first_subject, ordinal, change_after as after, not_comparable is not null as is_apart,
    from history
    where is_change or not_comparable is not null
    union
    select metric, first_subject, first_ordinal, after, false,
    from verdicts
    where found = 'later'
)

select
    verdicts.metric,
    verdicts.first_subject,
    verdicts.first_ordinal,
    arg_min(build_order.build_id, build_order.ordinal) as ended_build_id,
from verdicts
inner join changes
    on changes.metric = verdicts.metric
    and changes.first_subject = verdicts.first_subject
    and changes.ordinal > verdicts.first_ordinal
inner join build_order on build_order.ordinal = changes.ordinal
inner join described on described.metric = verdicts.metric
left join conditions as of_verdict
    on of_verdict.measure = described.measure
    and of_verdict.ordinal = verdicts.first_ordinal
left join conditions as of_change
    on of_change.measure = described.measure
    and of_change.ordinal = changes.ordinal
where verdicts.status = 'regressed'
    and (
        changes.is_apart and coalesce(of_verdict.last_ordinal < changes.ordinal, true)
        or of_change.context is not distinct from of_verdict.context and verdicts.polarity * (
            2 * ln(changes.after + verdicts.negligible)
            - ln(verdicts.after + verdicts.negligible) - ln(verdicts.before + verdicts.negligible)
        ) < 0
    )
group by verdicts.metric, verdicts.first_subject, verdicts.first_ordinal
