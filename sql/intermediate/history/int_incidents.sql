-- Verdicts of one cause together, as the mart incidents has them but for how they end.
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

observed as (
    select * from observations
),

captures as (
    select * from int_counted_captures
),

described as (
    select * from int_metrics
),

sources as (
    select * from metric_sources
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
        -- Where the function already has the name that it is called by.
        if(verdicts.status = 'not_comparable', verdicts.build_id, verdicts.first_build_id) as seen_build_id,
    from members
    inner join verdicts using (build_id, metric, subject)
    where members.member_rank = 1
),

-- At the build where it begins; of several reasons to wait in the function the verdict's own.
longest as (
    select distinct on (leads.build_id, leads.incident_id)
        leads.build_id,
        leads.incident_id,
        exemplars.capture_id as exemplar_capture_id,
        exemplars.goroutine_id as exemplar_goroutine_id,
        exemplars.start_ns as exemplar_start_ns,
        exemplars.duration_ns as exemplar_duration_ns,
        exemplars.task_name as exemplar_task_name,
        exemplars.task_start_ns as exemplar_task_start_ns,
        exemplars.task_duration_ns as exemplar_task_duration_ns,
    from leads
    inner join described using (metric)
    inner join exemplars
        on exemplars.build_id = leads.seen_build_id
        and exemplars.function = leads.function
    where described.family = 'waiting'
    order by
        leads.build_id, leads.incident_id, contains(leads.subject, '(' || exemplars.wait_reason || ')') desc,
        exemplars.duration_ns desc, exemplars.wait_reason
),

-- Of what is no waiting: the capture of the run of that build that has the most of it.
highest as (
    select leads.build_id, leads.incident_id,
        arg_max(captures.capture_id, (observed.value * described.polarity, captures.size_bytes, captures.capture_id))
            as exemplar_capture_id,
    from leads
    inner join described using (metric)
    inner join sources on sources.measure = described.measure
    inner join observed
        on observed.build_id = leads.seen_build_id
        and observed.metric = leads.metric
        and observed.subject = leads.subject
    inner join captures
        on captures.build_id = observed.build_id
        and captures.run_id = observed.run_id
        and list_contains(sources.kinds, captures.kind)
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
    leads.first_subject,
    leads.first_ordinal,
    leads.call_path,
    counted.weight,
    counted.member_count,
    counted.members,
    coalesce(longest.exemplar_capture_id, highest.exemplar_capture_id) as exemplar_capture_id,
    longest.exemplar_goroutine_id,
    longest.exemplar_start_ns,
    longest.exemplar_duration_ns,
    longest.exemplar_task_name,
    longest.exemplar_task_start_ns,
    longest.exemplar_task_duration_ns,
from leads
inner join counted using (incident_id)
left join longest using (build_id, incident_id)
left join highest using (build_id, incident_id)
