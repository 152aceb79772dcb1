-- Verdicts of one cause together: at which build, in which function, what it costs, and where it is seen best.
-- grain: build_id, incident_id
-- scope: all
with

incidents as (
    select * from int_incidents
),

ends as (
    select * from int_verdict_ends
)

select
    incidents.build_id,
    incidents.incident_id,
    incidents.incident_rank,
    incidents.status,
    incidents.metric,
    incidents.subject,
    incidents.function,
    incidents.unit,
    incidents.before,
    incidents.after,
    incidents.change_ratio,
    incidents.q_value,
    incidents.n_before,
    incidents.first_build_id,
    incidents.commit,
    case when incidents.status = 'regressed' then ends.ended_build_id end as ended_build_id,
    incidents.call_path,
    incidents.weight,
    incidents.member_count,
    incidents.members,
    incidents.exemplar_capture_id,
    incidents.exemplar_goroutine_id,
    incidents.exemplar_start_ns,
    incidents.exemplar_duration_ns,
    incidents.exemplar_task_name,
    incidents.exemplar_task_start_ns,
    incidents.exemplar_task_duration_ns,
from incidents
left join ends using (metric, first_subject, first_ordinal)
