-- Verdicts of one cause together: at which build, in which function, what it costs, and where it is seen best.
-- grain: build_id, incident_id
-- scope: history
with

verdicts as (
    select * from int_verdicts
),

members as (
    select * from int_incident_members
),

exemplars as (
    select * from int_wait_exemplars
),

counted as (
    select
        incident_id,
        count(*) as member_count,
        max(weight) as weight,
        list(metric || ' of ' || subject order by member_rank) filter (where member_rank > 1) as members,
    from members
    group by incident_id
),

leads as (
    select members.incident_id, verdicts.*,
    from members
    inner join verdicts using (build_id, metric, subject)
    where members.member_rank = 1
),

-- Of the builds that the verdict rests on the one where it begins, in the longest wait of the function.
longest as (
    select leads.build_id, leads.incident_id,
        arg_max(exemplars.capture_id, exemplars.duration_ns) as exemplar_capture_id,
        arg_max(exemplars.goroutine_id, exemplars.duration_ns) as exemplar_goroutine_id,
        arg_max(exemplars.start_ns, exemplars.duration_ns) as exemplar_start_ns,
        max(exemplars.duration_ns) as exemplar_duration_ns,
    from leads
    inner join exemplars
        on exemplars.build_id = leads.first_build_id
        and exemplars.function = leads.function
    group by leads.build_id, leads.incident_id
)

select
    leads.build_id,
    leads.incident_id,
    row_number() over (
        partition by leads.build_id order by leads.status <> 'regressed', counted.weight desc, leads.incident_id
    ) as incident_rank,
    leads.status,
    leads.metric,
    leads.subject,
    leads.function,
    leads.unit,
    leads.before,
    leads.after,
    leads.change_ratio,
    leads.q_value,
    leads.n_before,
    leads.first_build_id,
    leads.commit,
    leads.ended_build_id,
    leads.call_path,
    counted.weight,
    counted.member_count,
    counted.members,
    longest.exemplar_capture_id,
    longest.exemplar_goroutine_id,
    longest.exemplar_start_ns,
    longest.exemplar_duration_ns,
from leads
inner join counted using (incident_id)
left join longest using (build_id, incident_id)
