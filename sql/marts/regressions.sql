-- Verdicts: where a series got worse or better, or a function changed its name or its share of a caller's cost.
-- grain: build_id, metric, subject
-- scope: all
with

verdicts as (
    select * from int_verdicts
),

members as (
    select * from int_incident_members
),

ends as (
    select * from int_verdict_ends
)

select
    verdicts.build_id,
    verdicts.metric,
    verdicts.subject,
    verdicts.status,
    members.incident_id,
    members.member_rank = 1 as is_lead,
    verdicts.found,
    verdicts.function,
    verdicts.calling_function,
    verdicts.first_subject,
    verdicts.moved_from,
    verdicts.unit,
    verdicts.polarity,
    verdicts.before,
    verdicts.after,
    verdicts.change_ratio,
    verdicts."interval",
    verdicts.p_value,
    verdicts.q_value,
    verdicts.n_before,
    verdicts.n_after,
    verdicts.first_build_id,
    verdicts.commit,
    case when verdicts.status = 'regressed' then ends.ended_build_id end as ended_build_id,
    verdicts.as_before_build_id,
    verdicts.call_path,
    verdicts.caller,
    verdicts.caller_before,
    verdicts.caller_after,
    verdicts.evidence,
    verdicts.query,
from verdicts
inner join members using (build_id, metric, subject)
left join ends using (metric, first_subject, first_ordinal)
