-- The verdicts chosen, each with who accepted it and why, in the order of the builds.
select r.*, m.member_rank, i.member_count, a.accepted_by, a.accepted_reason
from regressions as r
left join (select build_id, ordinal from builds) as b using (build_id)
left join (select build_id, metric, subject, member_rank from int_incident_members) as m
    using (build_id, metric, subject)
-- Of the build that made the incident known; some of its verdicts are of later ones.
left join (select incident_id, member_count from incidents) as i using (incident_id)
left join accepted_regressions as a using (build_id, metric, subject)
where coalesce($build_id in (build_id, r.first_build_id), true)
    and coalesce(metric = $metric, true)
    and coalesce(status = $status, true)
    and coalesce(b.ordinal >= (select ordinal from builds where build_id = $since_build), true)
    and (
        $package is null
        -- A package, what lies below it, or the end of its path, of which Go escapes the dots of the last part.
        or regexp_matches(
            replace(coalesce(r.function, subject), '%2e', '.'),
            '^([^(\[]*/)?' || regexp_escape(replace($package, '%2e', '.')) || '[./]'
        )
    )
order by b.ordinal, metric, status, subject
