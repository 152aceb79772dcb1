-- How many processes the heap profiles of a build's runs are of: one that is scraped twice has samples in common.
-- grain: build_id
-- scope: build
-- What a process has allocated never becomes less. Of two processes, each site of some dozens is sampled more often in
-- the one or in the other.
with

captures as (
    select * from stg_captures
),

chosen as (
    select * from int_heap_captures
    where sample_type = 'alloc_objects'
),

samples as (
    select * from stg_profile_samples
),

ordered as (
    select chosen.build_id, chosen.capture_id, chosen.sampling_period,
        lag(chosen.capture_id) over (
            partition by chosen.build_id order by captures.captured_at, captures.path
        ) as capture_id_before,
    from chosen
    inner join captures using (capture_id)
),

sites as (
    select samples.capture_id, samples.stack_id, sum(samples.value) as alloc_objects,
    from samples
    inner join chosen
        on chosen.capture_id = samples.capture_id
        and chosen.sample_type = samples.sample_type
    group by samples.capture_id, samples.stack_id
),

compared as (
    select ordered.build_id, ordered.capture_id,
        count(*) >= 10 and count(*) filter (where coalesce(now.alloc_objects, 0) < before.alloc_objects) = 0
            as is_same_process,
    from ordered
    inner join sites as before on before.capture_id = ordered.capture_id_before
    left join sites as now
        on now.capture_id = ordered.capture_id
        and now.stack_id = before.stack_id
    -- Where every allocation is counted, two processes may do the same.
    where ordered.sampling_period > 1
    group by ordered.build_id, ordered.capture_id
)

select
    chosen.build_id,
    count(*) as run_count,
    count(*) - count(*) filter (where coalesce(compared.is_same_process, false)) as process_count,
from chosen
left join compared using (build_id, capture_id)
group by chosen.build_id
