-- Every incident with the verdict that leads it, what was expected of the build, and where it is seen best.
with

named as (
    select
        incidents.*,
        lead.first_subject,
        lead.calling_function,
        lead.moved_from,
        lead.polarity,
        lead."interval",
        lead.p_value,
        lead.as_before_build_id,
        lead.n_after,
        lead.evidence,
        lead.query,
        described.measure,
        described.family,
        described.meaning,
        described.is_sum,
        build_order.ordinal,
        first_build.ordinal as first_ordinal,
        first_build.committed_at,
        accepted.accepted_by,
        accepted.accepted_reason,
        captures.path as exemplar_path,
        captures.kind as exemplar_kind,
        if(incidents.status = 'not_comparable', incidents.build_id, incidents.first_build_id) as seen_build_id,
    from incidents
    inner join regressions as lead using (build_id, metric, subject)
    inner join int_metrics as described using (metric)
    inner join builds as build_order on build_order.build_id = incidents.build_id
    inner join builds as first_build on first_build.build_id = incidents.first_build_id
    left join accepted_regressions as accepted using (build_id, metric, subject)
    left join captures on captures.capture_id = incidents.exemplar_capture_id
)

select
    named.*,
    history.expected_interval,
    -- The build before it in the series, which it is compared with on the page.
    (
        select arg_max(earlier.build_id, earlier.ordinal)
        from regression_history as earlier
        inner join builds as seen on seen.build_id = named.seen_build_id
        where earlier.metric = named.metric
            and earlier.first_subject = named.first_subject
            and earlier.ordinal < seen.ordinal
    ) as previous_build_id,
from named
left join regression_history as history
    on history.metric = named.metric
    and history.first_subject = named.first_subject
    and history.build_id = named.seen_build_id
order by named.ordinal, named.incident_rank
