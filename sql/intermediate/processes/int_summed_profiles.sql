-- The profiles of which a counted one's figures are the sum: its own samples and, with the sign -1, those it is counted from.
-- grain: capture_id, sample_type, summed_id
-- scope: build
with

heaps as (
    select * from int_heap_captures
),

counted as (
    select * from int_counted_captures
),

since as (
    select * from int_counted_since
    where earlier_id is not null
),

profiles as (
    select build_id, run_id, process, capture_id, 'heap' as kind, sample_type, sampling_period,
        starts_with(sample_type, 'alloc') as is_total,
    from heaps
    union all
    select build_id, run_id, process, capture_id, replace(kind, '_text', ''), unnest(['delay', 'contentions']), null, true
    from counted
    where replace(kind, '_text', '') in ('block', 'mutex')
)

select * exclude (is_total), capture_id as summed_id, 1 as sign,
from profiles
union all
select profiles.* exclude (is_total), since.earlier_id, -1
from profiles
inner join since using (capture_id)
where profiles.is_total
