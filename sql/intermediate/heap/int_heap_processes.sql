-- How many processes the heap profiles of a build's runs are of: one that is scraped twice has samples in common.
-- grain: build_id
-- scope: build
-- What a process has allocated never becomes less. Of two processes, each site of some dozens is sampled more often in
-- the one or in the other. Of runs that have several processes each (int_capture_processes) one in common is enough.
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

runs as (
    select chosen.build_id, chosen.run_id,
        lag(chosen.run_id) over (
            partition by chosen.build_id order by max(captures.captured_at), max(natural_order(captures.path))
        ) as run_id_before,
    from chosen
    inner join captures using (capture_id)
    group by chosen.build_id, chosen.run_id
),

pairs as (
    select runs.build_id, runs.run_id, now.capture_id, now.sampling_period, before.capture_id as capture_id_before,
    from runs
    inner join chosen as now using (build_id, run_id)
    inner join chosen as before
        on before.build_id = runs.build_id
        and before.run_id = runs.run_id_before
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
    select pairs.build_id, pairs.run_id,
        count(*) >= 10 and count(*) filter (where coalesce(now.alloc_objects, 0) < before.alloc_objects) = 0
            as is_same_process,
    from pairs
    inner join sites as before on before.capture_id = pairs.capture_id_before
    left join sites as now
        on now.capture_id = pairs.capture_id
        and now.stack_id = before.stack_id
    -- Where every allocation is counted, two processes may do the same.
    where pairs.sampling_period > 1
    group by pairs.build_id, pairs.run_id, pairs.capture_id, pairs.capture_id_before
),

continued as (
    select distinct build_id, run_id,
    from compared
    where is_same_process
)

select
    runs.build_id,
    count(*) as run_count,
    count(*) - count(continued.run_id) as process_count,
from runs
left join continued using (build_id, run_id)
group by runs.build_id
