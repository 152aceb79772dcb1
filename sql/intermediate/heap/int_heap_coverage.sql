-- Which heap figures each run has, their sum, and how much of it the build itself tells only by a guess.
-- grain: build_id, run_id, sample_type
-- scope: build
-- A binary that fits tells all; it fits if it told any.
with

captures as (
    select * from int_heap_captures
),

samples as (
    select * from int_heap_samples
),

callees as (
    select * from int_profile_callees
),

chosen as (
    select build_id, run_id, sample_type, max(sampling_period) as sampling_period,
    from captures
    group by build_id, run_id, sample_type
),

told as (
    select distinct build_id, run_id
    from callees
    where evidence in ('call_target', 'call_target_line')
),

sampled as (
    select build_id, run_id, sample_type, sum(value) as total_value,
    from samples
    group by build_id, run_id, sample_type
),

guessed as (
    select
        build_id,
        run_id,
        sum(alloc_bytes) as alloc_space,
        sum(alloc_objects) as alloc_objects,
        sum(inuse_bytes) as inuse_space,
        sum(inuse_objects) as inuse_objects,
    from callees
    where confidence < 0.9
        and evidence <> 'unknown'
    group by build_id, run_id
)

select
    chosen.build_id,
    chosen.run_id,
    chosen.sample_type,
    chosen.sampling_period,
    told.run_id is not null as has_binary,
    coalesce(sampled.total_value, 0)::bigint as total_value,
    coalesce(
        case chosen.sample_type
            when 'alloc_space' then guessed.alloc_space
            when 'alloc_objects' then guessed.alloc_objects
            when 'inuse_space' then guessed.inuse_space
            else guessed.inuse_objects
        end,
        0
    )::bigint as guessed_value,
from chosen
left join told using (build_id, run_id)
left join sampled using (build_id, run_id, sample_type)
left join guessed using (build_id, run_id)
