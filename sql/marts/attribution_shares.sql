-- How the allocating function of each build's sampled bytes is known: a guess is no fact.
-- grain: build_id, evidence
-- scope: view
-- evidence is unknown for what nothing tells of, and none where the binary has no CALL of a function that is watched.
with

told as (
    select * from int_attribution_shares
    where evidence <> 'unknown'
),

callees as (
    select * from int_pooled_callees
),

pooled as (
    select
        build_id,
        evidence,
        min(confidence) as confidence,
        sum(alloc_bytes) as alloc_bytes,
        coalesce(sum(alloc_bytes) filter (where starts_with(callee_class, 'map_')), 0) as map_bytes,
    from callees
    group by build_id, evidence
),

shares as (
    select build_id, evidence, confidence, alloc_bytes, map_bytes from told
    union all
    select build_id, evidence, confidence, alloc_bytes, map_bytes from pooled
)

select
    build_id,
    evidence,
    confidence,
    alloc_bytes::bigint as alloc_bytes,
    coalesce(alloc_bytes / nullif(sum(alloc_bytes) over build, 0), 0)::double as alloc_share,
    map_bytes::bigint as map_bytes,
    coalesce(map_bytes / nullif(sum(map_bytes) over build, 0), 0)::double as map_share,
from shares
window build as (partition by build_id)
