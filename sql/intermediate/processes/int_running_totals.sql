-- Profiles of what a process counts up since it began: allocations, contention and blocking; and which of them count.
-- grain: capture_id
-- scope: build
-- sample_type: the one that says how often. heap and allocs profiles tell the same of what was allocated.
with

captures as (
    select *, replace(kind, '_text', '') as plain_kind,
    from stg_captures
),

heaps as (
    select * from int_heap_captures
    where sample_type = 'alloc_objects'
),

counted as (
    select * from int_counted_captures
)

select
    build_id,
    run_id,
    capture_id,
    if(plain_kind in ('heap', 'allocs'), 'heap', plain_kind) as source,
    if(plain_kind in ('heap', 'allocs'), 'alloc_objects', 'contentions') as sample_type,
    capture_id in (select capture_id from heaps)
        or (plain_kind in ('block', 'mutex') and capture_id in (select capture_id from counted)) as is_counted,
from captures
where plain_kind in ('heap', 'allocs', 'block', 'mutex')
