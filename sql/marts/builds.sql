-- Builds in their sequence, from a list, build.json, git, their binaries and their captures.
-- grain: build_id
-- scope: all
with

captures as (
    select * from stg_captures
),

manifests as (
    select * from stg_build_manifests
),

binaries as (
    select * from int_build_binaries
),

captured as (
    select
        build_id,
        min(coalesce(started_at, captured_at)) as first_captured_at,
        -- A trace tells its format, which other releases share: never the release.
        mode(go_version order by go_version) filter (where kind not in ('trace', 'flight')) as go_version,
        count(*) as capture_count,
        count(distinct run_id) filter (where run_id <> '') as run_count,
    from captures
    group by build_id
),

described as (
    select
        captured.build_id,
        coalesce(manifests.commit, binaries.commit) as commit,
        manifests.branch,
        coalesce(manifests.committed_at, binaries.committed_at) as committed_at,
        captured.first_captured_at,
        coalesce(manifests.go_version, binaries.go_version, captured.go_version) as go_version,
        binaries.module,
        manifests.labels,
        manifests.listed_position,
        captured.run_count,
        captured.capture_count,
    from captured
    left join manifests using (build_id)
    left join binaries using (build_id)
),

-- A list orders the builds or, where none was given, times of one kind: of the commits or, where none is known,
-- of the captures.
timed as (
    select
        *,
        case when count(committed_at) over () > 0 then committed_at else first_captured_at end as ordered_at,
        case
            when count(*) over () = 1 then 'only build'
            when listed_position is not null then 'list'
            when count(listed_position) over () > 0 then null
            when committed_at is not null then 'committed_at'
            when count(committed_at) over () = 0 and first_captured_at is not null then 'captured_at'
        end as order_source,
    from described
)

-- A build without a time among others has no known place: it is set aside, behind them, and not judged.
select
    build_id,
    commit,
    branch,
    committed_at,
    row_number() over (
        order by order_source is null, listed_position nulls last, ordered_at nulls last, first_captured_at nulls last,
            natural_order(build_id)
    ) as ordinal,
    order_source,
    order_source is not null as is_ordered,
    go_version,
    module,
    labels,
    run_count,
    capture_count,
from timed
