-- What each function cost with all that it calls: contention, and memory that map assignments allocated and keep.
-- grain: build_id, run_id, metric, caller
-- scope: build
with

blocks as (
    select * from goroutine_blocks
),

kinds as (
    select * from int_wait_kinds
),

allocations as (
    select * from mapassign_allocations
),

contended as (
    select distinct build_id, path_id, reason,
    from kinds
    where is_contention
),

-- What is judged by site, see int_series.
costs as (
    select blocks.build_id, blocks.run_id, 'trace' as measure, 'block_ns' as metric, blocks.function,
        blocks.callers, blocks.block_ns::double as value,
    from blocks
    inner join contended using (build_id, path_id, reason)
    where blocks.reason <> 'GC mark assist wait for work'
    union all
    select build_id, run_id, 'heap_alloc', 'mapassign_alloc_bytes', function, callers, alloc_bytes::double,
    from allocations
    where callee_class in ('map_assign', 'map_grow')
    union all
    select build_id, run_id, 'heap_inuse', 'mapassign_inuse_bytes', function, callers, inuse_bytes::double,
    from allocations
    where callee_class in ('map_assign', 'map_grow')
),

-- A function that calls itself counts once.
nested as (
    select
        build_id,
        run_id,
        measure,
        metric,
        unnest(list_distinct(list_prepend(function, callers))) as caller,
        value,
    from costs
    where value > 0
)

select build_id, run_id, metric, caller, any_value(measure) as measure, sum(value) as value,
from nested
group by build_id, run_id, metric, caller
