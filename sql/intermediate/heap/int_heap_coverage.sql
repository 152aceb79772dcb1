-- Which heap figures each run has, and whether every map assignment in them can be told.
-- grain: build_id, run_id, sample_type
-- scope: build
-- A binary that fits tells them all; it fits if it told any.
with

chosen as (
    select * from int_heap_captures
),

callees as (
    select * from int_profile_callees
),

told as (
    select distinct build_id, run_id
    from callees
    where evidence in ('call_target', 'call_target_line')
)

select
    chosen.build_id,
    chosen.run_id,
    chosen.sample_type,
    chosen.sampling_period,
    told.run_id is not null as has_binary,
from chosen
left join told using (build_id, run_id)
