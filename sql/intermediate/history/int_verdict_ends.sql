-- From which build on a regression is over.
-- grain: metric, first_subject, first_ordinal
-- scope: all
-- It is over when it is back by more than half, or when builds no longer compare and never do again. What changes under
-- other conditions than those that it was found under says nothing of it. That it is back need not be certain of itself where
-- another regression that began with it is over: one change was taken back, if all builds since agree.
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
),

-- half_way: what it has to be back beyond, as a logarithm.
regressed as (
    select *, (ln("after" + negligible) + ln(before + negligible)) / 2 as half_way,
    from verdicts
    where status = 'regressed'
),

certain as (
    select
        verdicts.metric,
        verdicts.first_subject,
        verdicts.first_ordinal,
        min(changes.ordinal) as ended_ordinal,
        arg_min(not changes.is_apart, changes.ordinal) as is_back,
    from regressed as verdicts
    inner join changes
        on changes.metric = verdicts.metric
        and changes.first_subject = verdicts.first_subject
        and changes.ordinal > verdicts.first_ordinal
    inner join described on described.metric = verdicts.metric
    left join conditions as of_verdict
        on of_verdict.measure = described.measure
        and of_verdict.ordinal = verdicts.first_ordinal
    left join conditions as of_change
        on of_change.measure = described.measure
        and of_change.ordinal = changes.ordinal
    where changes.is_apart and coalesce(of_verdict.last_ordinal < changes.ordinal, true)
        or (
            of_change.context is not distinct from of_verdict.context
            and verdicts.polarity * (ln(changes.after + verdicts.negligible) - verdicts.half_way) < 0
        )
    group by verdicts.metric, verdicts.first_subject, verdicts.first_ordinal
),

-- From certain ends of what began at the same build on, each build back by more than half.
seconded as (
    select verdicts.metric, verdicts.first_subject, verdicts.first_ordinal, certain.ended_ordinal,
    from regressed as verdicts
    inner join (select distinct first_ordinal, ended_ordinal from certain where is_back) as certain
        on certain.first_ordinal = verdicts.first_ordinal
    inner join build_order as known
        on known.build_id = verdicts.build_id
        and known.ordinal < certain.ended_ordinal
    inner join history
        on history.metric = verdicts.metric
        and history.first_subject = verdicts.first_subject
        and history.ordinal >= certain.ended_ordinal
    group by verdicts.metric, verdicts.first_subject, verdicts.first_ordinal, certain.ended_ordinal
    having min(history.ordinal) = certain.ended_ordinal
        and bool_and(
            history.not_comparable is null
            and verdicts.polarity * (ln(history.value + verdicts.negligible) - verdicts.half_way) < 0
        )
),

ends as (
    select metric, first_subject, first_ordinal, ended_ordinal from certain
    union all
    select metric, first_subject, first_ordinal, ended_ordinal from seconded
)

select
    ends.metric,
    ends.first_subject,
    ends.first_ordinal,
    arg_min(build_order.build_id, build_order.ordinal) as ended_build_id,
from ends
inner join build_order on build_order.ordinal = ends.ended_ordinal
group by ends.metric, ends.first_subject, ends.first_ordinal
