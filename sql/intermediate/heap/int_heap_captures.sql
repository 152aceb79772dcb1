-- The one capture of each process of a run that each kind of heap figure is taken from, so that none counts twice.
-- grain: capture_id, sample_type
-- scope: build
-- heap and allocs profiles hold the same four figures: allocations are taken from allocs, live memory from heap,
-- each from the other where it is missing, and from the old text form only where there is no other. Last of all comes
-- what spans a time (heap?seconds=30): it has only what changed in it, where the others have all since the start.
-- What may be of any of several processes counts only where the run has nothing else. What is in use is that of processes
-- that have not ended.
with

captures as (
    select * from stg_captures
),

processes as (
    select * from int_capture_processes
),

samples as (
    select * from stg_profile_samples
),

offered as (
    select capture_id, sample_type, max(sampling_period) as sampling_period
    from samples
    where sample_type in ('alloc_space', 'alloc_objects', 'inuse_space', 'inuse_objects')
    group by capture_id, sample_type
),

ranked as (
    select
        captures.build_id,
        captures.run_id,
        processes.process,
        offered.sample_type,
        captures.capture_id,
        captures.format,
        offered.sampling_period,
        row_number() over (
            partition by captures.build_id, captures.run_id, processes.process, offered.sample_type
            order by
                captures.duration_ns is not null,
                captures.format = 'legacy_profile',
                case when starts_with(offered.sample_type, 'alloc') then captures.kind <> 'allocs'
                    else captures.kind <> 'heap' end,
                -- Allocations count from the start of the process: the last capture has them all.
                captures.captured_at desc nulls last,
                natural_order(captures.path) desc
        ) as choice,
        processes.is_ended and starts_with(offered.sample_type, 'inuse') as is_gone,
        processes.process is null and bool_or(processes.process is not null) over (
            partition by captures.build_id, captures.run_id, offered.sample_type
        ) as is_anybodys,
    from offered
    inner join captures using (capture_id)
    inner join processes using (capture_id)
)

select build_id, run_id, process, sample_type, capture_id, format, sampling_period,
from ranked
where choice = 1 and not is_anybodys and not is_gone
