-- Captures of the claims lab: of builds with the label lab=claims; a trace says in a log message for which claim it is.
-- grain: build_id, capture_id
-- scope: build
with

captures as (
    select * from stg_captures
),

manifests as (
    select * from stg_build_manifests
),

logs as (
    select * from stg_trace_logs
),

marked as (
    select capture_id, min(message) as claim_id
    from logs
    where category = 'claim'
    group by capture_id
)

select
    captures.build_id,
    captures.capture_id,
    captures.run_id,
    captures.kind,
    captures.duration_ns,
    captures.labels['crash'] as crash,
    marked.claim_id,
from captures
inner join manifests using (build_id)
left join marked using (capture_id)
where manifests.labels['lab'] = 'claims'
