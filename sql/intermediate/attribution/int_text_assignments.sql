-- The samples of text profiles that were allocated by assigning to a map, and which of them because it grew.
-- grain: build_id, capture_id, sample_index
-- scope: build
-- Only these (debug=1) can tell: their lists of addresses have the runtime's frames, which other profiles hide. Each
-- address must be the return address of such a CALL in the binary or, where that tells nothing of the profile, be
-- named by another capture. growth_callee is null where the map did not grow.
with

samples as (
    select * from stg_profile_samples
),

binaries as (
    select * from int_profile_binaries
),

call_sites as (
    select * from stg_call_sites
),

texts as (
    select * from int_text_callees
),

told as (
    select
        binaries.build_id,
        binaries.binary_capture_id,
        binaries.bias,
        samples.capture_id,
        samples.sample_index,
        samples.pcs,
        list_position(samples.pcs, try_cast(samples.leaf_pc::hugeint + 1 as ubigint)) as leaf_place,
    from samples
    inner join binaries
        on binaries.capture_id = samples.capture_id
        and binaries.mapping_index is not distinct from samples.mapping_index
    where samples.sample_type = 'alloc_space'
),

-- The leaf, and the frames that the profile hides before it.
framed as (
    select
        build_id,
        binary_capture_id,
        capture_id,
        sample_index,
        unnest(range(1, leaf_place + 1)) as place,
        try_cast(unnest(pcs[1 : leaf_place])::hugeint - bias as ubigint) as return_pc,
    from told
    where leaf_place > 0
),

by_binary as (
    select
        framed.build_id,
        framed.capture_id,
        framed.sample_index,
        arg_max(call_sites.callee, framed.place) filter (where call_sites.callee_class = 'map_grow') as growth_callee,
    from framed
    inner join call_sites
        on call_sites.capture_id = framed.binary_capture_id
        and call_sites.pc = framed.return_pc
    where call_sites.callee_class in ('map_assign', 'map_grow')
    group by framed.build_id, framed.capture_id, framed.sample_index
    having bool_or(call_sites.callee_class = 'map_assign')
)

select build_id, capture_id, sample_index, growth_callee,
from by_binary
union all
select build_id, capture_id, sample_index, growth_callee,
from texts
where callee_class = 'map_assign'
    and capture_id not in (select capture_id from by_binary)
