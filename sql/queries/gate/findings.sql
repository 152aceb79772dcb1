-- The incidents of the candidate by their leading verdicts, what regressed first, and what stood open before it.
-- Where metrics are asked for, every verdict on them.
with

-- The name that each function has by the candidate.
names as (
    select lineages.function, arg_max(later.function, later.since_ordinal) as name,
    from int_lineages as lineages
    inner join int_lineages as later using (first_function)
    where later.since_ordinal <= $ordinal
    group by lineages.function
)

select
    if(r.build_id = $build_id, r.status, $open) as status,
    r.build_id,
    r.metric,
    r.subject,
    r.incident_id,
    r.is_lead,
    r.found,
    r.function,
    r.calling_function,
    r.first_subject,
    r.moved_from,
    nullif(names.name, r.function) as moved_to,
    r.unit,
    r.polarity,
    r.before,
    r.after,
    r.change_ratio,
    r.interval,
    r.p_value,
    r.q_value,
    r.n_before,
    r.n_after,
    r.first_build_id,
    r.commit,
    r.ended_build_id,
    r.as_before_build_id,
    r.call_path,
    r.caller,
    r.caller_before,
    r.caller_after,
    r.evidence,
    r.query,
    h.expected_interval,
    a.accepted_by,
    a.accepted_reason,
    place.file,
    place.line,
    if(r.is_lead, i.members, null) as members,
    coalesce(m.is_fault and m.family = 'goroutines', false) as is_leak,
from regressions as r
inner join builds as b using (build_id)
left join (select build_id, incident_id, members from incidents) as i using (build_id, incident_id)
left join builds as ended on ended.build_id = r.ended_build_id
left join accepted_regressions as a using (build_id, metric, subject)
left join regression_history as h
    on h.build_id = r.build_id
    and h.metric = r.metric
    and h.subject = r.subject
left join metrics as m on m.metric = r.metric
left join names on names.function = r.function
left join int_function_places as place
    on place.build_id = $build_id
    and place.function = coalesce(names.name, r.function)
where (
        r.build_id = $build_id
        or (
            r.status = 'regressed'
            and b.ordinal < $ordinal
            and coalesce(ended.ordinal > $ordinal, true)
            and a.accepted_by is null
        )
    )
    and if(len($metrics) = 0, r.is_lead, list_contains($metrics, r.metric))
order by
    if(r.build_id = $build_id, r.status, $open) <> 'regressed',
    if(r.build_id = $build_id, r.status, $open),
    b.ordinal,
    r.q_value,
    r.metric,
    r.subject
