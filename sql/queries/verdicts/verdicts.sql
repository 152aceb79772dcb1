-- The verdicts chosen, each with who accepted it and why, in the order of the builds.
select r.*, i.member_count, a.accepted_by, a.accepted_reason
from regressions as r
left join (select build_id, ordinal from builds) as b using (build_id)
left join (select build_id, incident_id, member_count from incidents) as i using (build_id, incident_id)
left join accepted_regressions as a using (build_id, metric, subject)
where coalesce(build_id = $build_id, true)
    and coalesce(metric = $metric, true)
    and coalesce(status = $status, true)
    and coalesce(b.ordinal >= (select ordinal from builds where build_id = $since_build), true)
    and (
        $package is null
        -- A package, what lies below it, or the end of its path.
        or regexp_matches(
            coalesce(r.function, subject), '^([^(\[]*/)?' || regexp_escape($package) || '[./]'
        )
    )
order by b.ordinal, metric, status, subject
