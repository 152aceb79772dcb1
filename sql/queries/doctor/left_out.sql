-- Captures that enter no figure beside another of their kind, where nothing tells whether both are of one process.
-- They are those that may be of any of several, and those captured within a second of each other, or nobody knows when.
-- Of a text form nothing is missing where the run has a profile that says the same. Texts say neither when they were
-- captured nor of which process: as in int_heap_processes, what a process has allocated never becomes less.
with

profiles as (
    select captures.capture_id, processes.build_id, processes.run_id, captures.kind, captures.path, captures.captured_at,
        processes.process, processes.is_told,
        captures.capture_id in (
            select capture_id from int_heap_captures
            union all
            select capture_id from int_counted_captures
            where kind in ('block', 'mutex', 'goroutine', 'goroutineleak')
        ) as is_counted,
    from captures
    inner join int_capture_processes as processes using (capture_id)
    where captures.kind in (
        'heap', 'allocs', 'heap_text', 'allocs_text', 'block', 'mutex', 'goroutine', 'goroutineleak'
    ) and captures.duration_ns is null
),

texts as (
    select * from profiles
    where ends_with(kind, '_text') and process is not null
),

sites as (
    select texts.capture_id, samples.stack_id, sum(samples.value) as alloc_objects,
    from stg_profile_samples as samples
    inner join texts using (capture_id)
    where samples.sample_type = 'alloc_objects' and samples.sampling_period > 1
    group by texts.capture_id, samples.stack_id
),

-- Those that a later one of the same process has all of.
continued as (
    select earlier.capture_id,
    from texts as earlier
    inner join texts as later
        on later.build_id = earlier.build_id
        and later.run_id = earlier.run_id
        and later.kind = earlier.kind
        and later.process = earlier.process
        and later.is_counted and not earlier.is_counted
    inner join sites as before on before.capture_id = earlier.capture_id
    left join sites as now
        on now.capture_id = later.capture_id
        and now.stack_id = before.stack_id
    group by earlier.capture_id, later.capture_id
    having count(*) >= 10 and count(*) filter (where coalesce(now.alloc_objects, 0) < before.alloc_objects) = 0
)

select distinct left_out.build_id, left_out.run_id, left_out.path,
from profiles as left_out
inner join profiles as other
    on other.build_id = left_out.build_id
    and other.run_id = left_out.run_id
    and other.kind = left_out.kind
    and other.capture_id <> left_out.capture_id
where not left_out.is_counted
    and left_out.capture_id not in (select capture_id from continued)
    and not (
        ends_with(left_out.kind, '_text')
        and (left_out.build_id, left_out.run_id) in (
            select (build_id, run_id) from profiles where kind in ('heap', 'allocs') and is_counted
        )
    )
    and (
        left_out.process is null
        or (
            other.process = left_out.process
            and not (left_out.is_told and other.is_told)
            and coalesce(abs(epoch(other.captured_at) - epoch(left_out.captured_at)) < 1, true)
        )
    )
order by all
