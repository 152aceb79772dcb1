-- The samples that were allocated because a map grew, and by which function of the runtime.
-- grain: build_id, capture_id, sample_index
-- scope: build
-- Only text profiles (debug=1) can tell: their lists of addresses have the runtime's frames, which others hide. Each
-- address of a runtime frame must be the return address of a CALL in the binary; of several, the outermost counts.
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

told as (
    select
        binaries.build_id,
        binaries.binary_capture_id,
        binaries.bias,
        samples.capture_id,
        samples.sample_index,
        samples.pcs,
        list_position(samples.pcs, samples.leaf_pc + 1) as leaf_place,
    from samples
    inner join binaries
        on binaries.capture_id = samples.capture_id
        and binaries.mapping_index is not distinct from samples.mapping_index
    where samples.sample_type = 'alloc_space'
),

-- The frames that the profile hides stand before the leaf.
hidden as (
    select
        build_id,
        binary_capture_id,
        capture_id,
        sample_index,
        unnest(range(1, leaf_place)) as place,
        try_cast(unnest(pcs[1 : leaf_place - 1])::hugeint - bias as ubigint) as return_pc,
    from told
    where leaf_place > 1
)

select
    hidden.build_id,
    hidden.capture_id,
    hidden.sample_index,
    arg_max(call_sites.callee, hidden.place) as callee,
from hidden
inner join call_sites
    on call_sites.capture_id = hidden.binary_capture_id
    and call_sites.pc = hidden.return_pc
where call_sites.callee_class = 'map_grow'
group by hidden.build_id, hidden.capture_id, hidden.sample_index
