-- Frames of profiles that name no function, with the address and the mapping that they lie in.
-- grain: build_id, capture_id, stack_id, place
-- scope: build
-- Such a frame is called for its mapping, or <unknown>, and has no file; place counts from the leaf, from 1.
with

captures as (
    select * from stg_captures
),

samples as (
    select * from stg_profile_samples
),

stacks as (
    select * from stg_stacks
),

mappings as (
    select * from stg_profile_mappings
),

-- Text profiles list addresses of their own; other profiles only where a frame has no name.
listed as (
    select stack_id, any_value(files) as files, any_value(pcs) as pcs,
    from stacks
    where len(pcs) = len(functions)
        and list_contains(files, '')
    group by stack_id
),

seen as (
    select distinct captures.build_id, captures.capture_id, samples.stack_id,
    from samples
    inner join captures using (capture_id)
    where captures.format = 'pprof'
        and samples.stack_id in (select stack_id from listed)
),

framed as (
    select
        seen.*,
        unnest(range(1, len(listed.pcs) + 1)) as place,
        unnest(listed.files) as file,
        unnest(listed.pcs) as pc,
    from seen
    inner join listed using (stack_id)
)

select framed.build_id, framed.capture_id, framed.stack_id, framed.place, framed.pc, mappings.mapping_index,
from framed
inner join mappings
    on mappings.capture_id = framed.capture_id
    and framed.pc >= mappings.mapping_start
    and framed.pc < mappings.mapping_limit
where framed.file = ''
