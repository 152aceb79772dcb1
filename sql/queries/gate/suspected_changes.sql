-- What may have got worse at a build: its own figures, and of the newest build what a look back finds.
-- Of an earlier build with what the next one showed: it has told by now. With the incident that it may be felt of, which
-- stands and began when it did: one of the same function or benchmark or task, or of a function that it calls, else, of what
-- feels the costs of sites, the gravest.
with recursive

candidate as (
    select * from builds
    where build_id = $build_id
),

by_iterations as (
    select iterations.metric, iterations.first_subject, builds.build_id,
    from int_iteration_changes as iterations
    inner join builds using (ordinal)
),

suspected as (
    select h.metric, h.first_subject, h.subject, h.function, h.unit, h.expected as before, h.value as after, h.negligible,
        h.q_value, null::varchar as since,
    from regression_history as h
    cross join detection_rules as rules
    anti join regressions using (build_id, metric, subject)
    anti join by_iterations using (build_id, metric, first_subject)
    where h.build_id = $build_id
        and (len($metrics) = 0 or list_contains($metrics, h.metric))
        and h.q_value <= rules.suspected_share
        and h.polarity * h.log_change >= ln(1 + rules.least_ratio)
        and not h.is_change
    union all
    select h.metric, h.first_subject, h.subject, h.function, h.unit, h.change_before, h.change_after,
        h.negligible, h.change_q_value, h.build_id,
    from regression_history as h
    anti join by_iterations using (build_id, metric, first_subject)
    where h.may_change
        and (select arg_max(build_id, ordinal) from builds where is_ordered) = $build_id
        and (len($metrics) = 0 or list_contains($metrics, h.metric))
        and h.polarity * h.change_log_ratio > 0
),

-- Of a series that both say it of, what is surer.
surest as (
    select suspected.*, coalesce(began.ordinal, candidate.ordinal) as ordinal,
    from suspected
    cross join candidate
    left join builds as began on began.build_id = suspected.since
    qualify row_number() over (partition by suspected.metric, suspected.subject order by q_value, since nulls last) = 1
),

nexts as (
    select h.metric, h.first_subject, arg_min(h.value, h.ordinal) as value, arg_min(h.build_id, h.ordinal) as build_id,
    from regression_history as h
    semi join surest using (metric, first_subject)
    where h.ordinal > (select ordinal from candidate)
    group by h.metric, h.first_subject
),

-- An incident is new until so many builds show it as judging takes.
standing as (
    select verdicts.incident_id, coalesce(verdicts.function, nullif(verdicts.subject, 'program')) as name, incidents.weight,
        first_build.ordinal as first_ordinal,
        known.ordinal + rules.least_builds as last_ordinal,
    from regressions as verdicts
    cross join detection_rules as rules
    inner join incidents using (incident_id)
    inner join builds as known on known.build_id = verdicts.build_id
    inner join builds as first_build on first_build.build_id = verdicts.first_build_id
    left join builds as ended on ended.build_id = verdicts.ended_build_id
    where verdicts.status = 'regressed'
        and known.ordinal <= (select ordinal from candidate)
        and coalesce(ended.ordinal > (select ordinal from candidate), true)
),

felt as (
    from standing
    union
    select felt.incident_id, calls.calling_function, felt.weight, felt.first_ordinal, felt.last_ordinal
    from felt
    inner join int_user_calls as calls on calls.function = felt.name
    where calls.build_id = $build_id
)

select
    surest.metric,
    surest.subject,
    surest.unit,
    surest.before,
    surest.after,
    surest.q_value,
    surest.q_value <= rules.false_share and abs(surest.after - surest.before) < surest.negligible as is_too_small,
    surest.q_value <= rules.false_share and surest.since is not null as is_for_look_back,
    surest.since,
    nexts.value as next_value,
    nexts.build_id as next_build_id,
    arg_max(
        felt.incident_id,
        (coalesce(felt.name = coalesce(surest.function, surest.subject), false), felt.weight, felt.incident_id)
    ) as incident_id,
from surest
cross join detection_rules as rules
left join int_metrics as described on described.metric = surest.metric
left join nexts
    on nexts.metric = surest.metric
    and nexts.first_subject = surest.first_subject
left join felt
    on (
        felt.name = coalesce(surest.function, surest.subject)
        or described.place = 'derived' and described.family in ('cpu', 'scheduling', 'collector', 'heap size')
    )
    and surest.ordinal between felt.first_ordinal and felt.last_ordinal
group by all
order by surest.q_value, surest.metric, surest.subject
