-- Of how many processes the heap profiles of a build's runs are: one that is scraped twice has samples in common.
-- grain: build_id, sample_type
-- scope: build
-- Of runs that have several processes each (int_capture_processes) one in common is enough. own_count: how many runs tell
-- of something that no other does; what was allocated is of a run's own where it is counted from an earlier profile.
with

chosen as (
    select * from int_heap_captures
),

continued as (
    select * from int_continued_captures
),

captures as (
    select * from stg_captures
),

since as (
    select * from int_counted_since
    where earlier_id is not null
),

runs as (
    select distinct build_id, run_id, sample_type
    from chosen
    where sample_type in ('alloc_space', 'inuse_space')
),

shared as (
    select distinct continued.build_id, continued.run_id, continued.capture_id in (select capture_id from since) as is_counted_apart,
    from continued
    inner join captures as earlier on earlier.capture_id = continued.earlier_id
    where continued.source = 'heap' and earlier.run_id <> continued.run_id
)

select
    runs.build_id,
    runs.sample_type,
    count(distinct runs.run_id) as run_count,
    count(distinct runs.run_id) - count(distinct shared.run_id) as process_count,
    count(distinct runs.run_id) - count(distinct shared.run_id)
        filter (where runs.sample_type = 'inuse_space' or not shared.is_counted_apart) as own_count,
from runs
left join shared
    on shared.build_id = runs.build_id
    and shared.run_id = runs.run_id
group by runs.build_id, runs.sample_type
