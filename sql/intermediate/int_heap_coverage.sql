-- Which heap figures each run has, and whether every map assignment in them can be told.
-- grain: build_id, run_id, sample_type
-- scope: build
with

chosen as (
    select * from int_heap_captures
),

binaries as (
    select distinct capture_id from int_profile_binaries
)

select
    chosen.build_id,
    chosen.run_id,
    chosen.sample_type,
    chosen.sampling_period,
    binaries.capture_id is not null as has_binary,
from chosen
left join binaries using (capture_id)
