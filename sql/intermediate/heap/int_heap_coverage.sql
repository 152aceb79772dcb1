-- Which heap figures each run has, and how much of them is known: which function of the runtime allocated it.
-- grain: build_id, run_id, sample_type
-- scope: build
-- A binary that fits tells all; it fits if it told any. A guess is not known. is_known: less than a fiftieth is not.
with

chosen as (
    select * from int_heap_captures
),

samples as (
    select * from stg_profile_samples
),

callees as (
    select * from int_profile_callees
),

told as (
    select distinct build_id, run_id
    from callees
    where evidence in ('call_target', 'call_target_line')
),

sampled as (
    select chosen.build_id, chosen.run_id, chosen.sample_type, sum(samples.value) as total,
    from samples
    inner join chosen
        on chosen.capture_id = samples.capture_id
        and chosen.sample_type = samples.sample_type
    group by chosen.build_id, chosen.run_id, chosen.sample_type
),

missing as (
    select
        build_id,
        run_id,
        sum(alloc_bytes) as alloc_space,
        sum(alloc_objects) as alloc_objects,
        sum(inuse_bytes) as inuse_space,
        sum(inuse_objects) as inuse_objects,
    from callees
    where confidence < 0.9
    group by build_id, run_id
),

shares as (
    select
        sampled.build_id,
        sampled.run_id,
        sampled.sample_type,
        1 - coalesce(
            case sampled.sample_type
                when 'alloc_space' then missing.alloc_space
                when 'alloc_objects' then missing.alloc_objects
                when 'inuse_space' then missing.inuse_space
                else missing.inuse_objects
            end / nullif(sampled.total, 0),
            0
        ) as known_share,
    from sampled
    left join missing using (build_id, run_id)
)

select
    chosen.build_id,
    chosen.run_id,
    chosen.sample_type,
    chosen.sampling_period,
    told.run_id is not null as has_binary,
    coalesce(shares.known_share, 1)::double as known_share,
    coalesce(shares.known_share, 1) >= 0.98 as is_known,
from chosen
left join told using (build_id, run_id)
left join shares using (build_id, run_id, sample_type)
