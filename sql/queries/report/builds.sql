-- The builds, with how much is loaded of each and how many verdicts begin at it.
with

verdicts as (
    select
        build_id,
        count(*) filter (where status = 'regressed') as regressed,
        count(*) filter (where status = 'improved') as improved,
    from regressions
    group by build_id
)

select
    builds.build_id,
    builds.commit,
    builds.branch,
    builds.committed_at,
    builds.go_version,
    builds.run_count,
    builds.capture_count,
    coalesce(verdicts.regressed, 0) as regressed,
    coalesce(verdicts.improved, 0) as improved,
from builds
left join verdicts using (build_id)
order by builds.ordinal
