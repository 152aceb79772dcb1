-- What the binaries of a build say of it: its revision, Go version and module.
-- grain: build_id
-- scope: build
with

captures as (
    select * from stg_captures
),

binaries as (
    select * from stg_binaries
)

select
    captures.build_id,
    max(binaries.commit) as commit,
    max(binaries.committed_at) as committed_at,
    max(binaries.go_version) as go_version,
    max(binaries.module) as module,
from binaries
inner join captures using (capture_id)
group by captures.build_id
