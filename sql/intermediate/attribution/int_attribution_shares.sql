-- What attribution_shares says, as far as the captures of a build tell it themselves.
-- grain: build_id, evidence
-- scope: build
-- evidence is unknown for what nothing tells of, and none where the binary has no CALL of a function that is watched.
with

samples as (
    select * from int_heap_samples
),

callees as (
    select * from int_profile_callees
),

sampled as (
    select build_id, sum(value) as alloc_bytes,
    from samples
    where sample_type = 'alloc_space'
    group by build_id
),

told as (
    select
        build_id,
        evidence,
        min(confidence) as confidence,
        sum(alloc_bytes) as alloc_bytes,
        coalesce(sum(alloc_bytes) filter (where starts_with(callee_class, 'map_')), 0)
            as map_bytes,
    from callees
    group by build_id, evidence
),

shares as (
    select build_id, evidence, confidence, alloc_bytes, map_bytes,
    from told
    union all
    select
        sampled.build_id,
        'none',
        null,
        sampled.alloc_bytes - coalesce(sum(told.alloc_bytes), 0),
        0,
    from sampled
    left join told using (build_id)
    group by sampled.build_id, sampled.alloc_bytes
    having sampled.alloc_bytes <> coalesce(sum(told.alloc_bytes), 0)
)

select build_id, evidence, confidence, alloc_bytes::bigint as alloc_bytes, map_bytes::bigint as map_bytes,
from shares
