-- How much of each run's heap figures is known: which function of the runtime allocated it.
-- grain: build_id, run_id, sample_type
-- scope: history
-- A guess is not known. is_known: less than a fiftieth is not, so that what a run does not show is not there.
with

coverage as (
    select * from int_heap_coverage
),

callees as (
    select * from int_pooled_callees
    where confidence < 0.9
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
    group by build_id, run_id
),

shares as (
    select
        coverage.*,
        1 - coalesce(
            (coverage.guessed_value + coalesce(
                case coverage.sample_type
                    when 'alloc_space' then missing.alloc_space
                    when 'alloc_objects' then missing.alloc_objects
                    when 'inuse_space' then missing.inuse_space
                    else missing.inuse_objects
                end,
                0
            )) / nullif(coverage.total_value, 0),
            0
        ) as known_share,
    from coverage
    left join missing using (build_id, run_id)
)

select
    build_id,
    run_id,
    sample_type,
    sampling_period,
    has_binary,
    known_share::double as known_share,
    known_share >= 0.98 as is_known,
from shares
