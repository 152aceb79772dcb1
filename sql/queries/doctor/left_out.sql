-- Captures that enter no figure beside another of their kind, where nothing tells whether both are of one process.
-- They are those that may be of any of several, and those captured within a second of each other, or nobody knows when.
-- Of a text form nothing is missing where the run has a profile that says the same, or where a later text of the same
-- process has all of it: texts do not say of which process they are, and but for the heap's not when they were captured.
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

continued as (
    select continued.earlier_id as capture_id,
    from int_continued_captures as continued
    inner join profiles on profiles.capture_id = continued.earlier_id
    where ends_with(profiles.kind, '_text')
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
