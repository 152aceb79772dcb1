-- Which allocating function of the runtime each sample of a heap profile was in.
-- grain: build_id, run_id, stack_id, callee, evidence, alignment
-- scope: build
-- Profiles hide the runtime's frames, so the CALL that ends at the leaf's return address tells. reflect.mapassign*,
-- reflect.makemap* and maps.clone stay visible and are told by their name, first: a callee that was inlined into
-- them leaves no CALL to find. All that a method of sync.Map allocates is its own: from Go 1.24 it is no map inside.
-- Where no build id proves the binary, the CALL's file and line must be the leaf's.
-- Samples of a mapping that no binary explains are looked up among the calls that the build's traces and profiles
-- show, then in its listing, the surest rung first. Where a binary does explain, what it does not tell of is no such
-- call, and the others could only guess wrong. What nothing tells of is unknown, and has its return address modulo 32
-- as alignment: functions of amd64 are aligned to that, so it is the same wherever the same code lies. It is null where
-- two calls of a line have the same.
with

summed as (
    select * from int_summed_profiles
    where kind = 'heap'
),

samples as (
    select * from stg_profile_samples
),

sites as (
    select * from int_stack_sites
),

binaries as (
    select * from int_profile_binaries
),

call_sites as (
    select * from stg_call_sites
),

listed as (
    select * from int_listing_callees
),

seen as (
    select * from int_seen_callees
),

growth as (
    select * from int_text_assignments
),

-- One row for each place in the code. The counting error of a sum of sampled objects of one size: each is in the
-- profile with probability 1 - exp(-size/period).
sampled as (
    select
        summed.build_id,
        summed.run_id,
        summed.capture_id,
        samples.sample_type,
        samples.stack_id,
        samples.leaf_pc,
        samples.leaf_offset,
        samples.mapping_index,
        summed.sampling_period,
        growth.growth_callee,
        sum(summed.sign * samples.value)::bigint as value,
    from samples
    inner join summed
        on summed.summed_id = samples.capture_id
        and summed.sample_type = samples.sample_type
    left join growth
        on growth.capture_id = samples.capture_id
        and growth.sample_index = samples.sample_index
    group by all
),

-- Objects of very different sizes share few places, so a place's mean size stands for them.
sized as (
    select
        *,
        max(value) filter (where sample_type in ('alloc_space', 'inuse_space')) over place
        / nullif(max(value) filter (where sample_type in ('alloc_objects', 'inuse_objects')) over place, 0)
            as object_bytes,
    from sampled
    window place as (
        partition by capture_id, stack_id, leaf_pc, mapping_index, growth_callee, starts_with(sample_type, 'alloc')
    )
),

located as (
    select
        sized.*,
        sites.leaf_function,
        sites.leaf_file,
        sites.leaf_line,
        sites.leaf_caller,
        sites.is_user_code,
        sites.sync_map_call,
        binaries.binary_capture_id,
        binaries.is_proven,
        try_cast(sized.leaf_pc::hugeint + 1 as ubigint) as return_pc,
        try_cast(sized.leaf_pc::hugeint + 1 - binaries.bias as ubigint) as linked_pc,
    from sized
    left join sites
        on sites.build_id = sized.build_id
        and sites.stack_id = sized.stack_id
    left join binaries
        on binaries.capture_id = sized.capture_id
        and binaries.mapping_index is not distinct from sized.mapping_index
),

called as (
    select
        located.*,
        case
            when starts_with(leaf_function, 'reflect.mapassign') then 'reflect.mapassign'
            when starts_with(leaf_function, 'reflect.makemap') then 'reflect.makemap'
            when leaf_function = 'maps.clone' or starts_with(leaf_function, 'maps.clone[') then 'maps.clone'
            when starts_with(case leaf_function when 'reflect.unsafe_New' then leaf_caller else leaf_function end,
                'reflect.packEface') then 'reflect.packEface'
            -- The runtime's own allocations, and parts of it under other names.
            when leaf_function in ('reflect.unsafe_New', 'reflect.unsafe_NewArray', 'reflect.growslice',
                'internal/reflectlite.unsafe_New') then leaf_function
            when starts_with(leaf_function, 'runtime.') and not is_user_code then leaf_function
        end as named_callee,
        call_sites.callee as called_callee,
        call_sites.callee_class as called_class,
    from located
    left join call_sites
        on call_sites.capture_id = located.binary_capture_id
        and call_sites.pc = located.linked_pc
        and (located.is_proven or (call_sites.file = located.leaf_file and call_sites.line = located.leaf_line))
),

known as (
    select
        *,
        coalesce(bool_or(is_proven or called_callee is not null) over mapping, false) as is_explained,
    from called
    window mapping as (partition by capture_id, mapping_index)
),

looked_up as (
    select
        known.*,
        seen.callee as seen_callee,
        seen.evidence as seen_evidence,
        by_offset.callee as offset_callee,
        by_alignment.callee as aligned_callee,
        by_line.callee as line_callee,
        by_any.callee as any_callee,
        coalesce(
            seen.callee_class, by_offset.callee_class, by_alignment.callee_class, by_line.callee_class, by_any.callee_class
        ) as listed_class,
    from known
    left join seen
        on seen.build_id = known.build_id
        and seen.pc = known.return_pc
        and seen.file = known.leaf_file
        and seen.line = known.leaf_line
        and not known.is_explained
    left join listed as by_offset
        on by_offset.build_id = known.build_id
        and by_offset.file = known.leaf_file
        and by_offset.line = known.leaf_line
        and by_offset.evidence = 'listing_offset'
        and by_offset.return_offset = known.leaf_offset + 1
        and not known.is_explained
    left join listed as by_alignment
        on by_alignment.build_id = known.build_id
        and by_alignment.file = known.leaf_file
        and by_alignment.line = known.leaf_line
        and by_alignment.evidence = 'listing_offset_mod_32'
        and by_alignment.return_offset = ((known.leaf_pc::hugeint + 1) % 32)::bigint
        and not known.is_explained
    left join listed as by_line
        on by_line.build_id = known.build_id
        and by_line.file = known.leaf_file
        and by_line.line = known.leaf_line
        and by_line.evidence = 'listing_line'
        and not known.is_explained
    left join listed as by_any
        on by_any.build_id = known.build_id
        and by_any.file = known.leaf_file
        and by_any.line = known.leaf_line
        and by_any.evidence = 'listing_any_map_call'
        and not known.is_explained
),

claimed as (
    select
        *,
        coalesce(
            sync_map_call, named_callee, called_callee, seen_callee, offset_callee, aligned_callee, line_callee,
            any_callee, case when not is_explained then 'unknown' end
        ) as caller_callee,
        case
            when sync_map_call is not null then 'sync_map'
            when starts_with(named_callee, 'reflect.mapassign') then 'map_assign'
            when starts_with(named_callee, 'reflect.makemap') then 'map_make'
            when named_callee = 'maps.clone' then 'map_clone'
            when named_callee = 'reflect.packEface' then 'convert'
            when named_callee is not null then 'other'
            else coalesce(called_class, listed_class, 'unknown')
        end as caller_class,
        case
            when coalesce(sync_map_call, named_callee) is not null then 'function_name'
            when called_callee is not null and is_proven then 'call_target'
            when called_callee is not null then 'call_target_line'
            when seen_callee is not null then seen_evidence
            when offset_callee is not null then 'listing_offset'
            when aligned_callee is not null then 'listing_offset_mod_32'
            when line_callee is not null then 'listing_line'
            when any_callee is not null then 'listing_any_map_call'
            else 'unknown'
        end as evidence,
    from looked_up
),

-- Growth is an assignment's own doing, not a call of the program.
classed as (
    select
        *,
        case when caller_class = 'map_assign' and growth_callee is not null then growth_callee else caller_callee end
            as callee,
        case when caller_class = 'map_assign' and growth_callee is not null then 'map_grow' else caller_class end
            as callee_class,
        case when evidence = 'unknown' and min(return_pc) over aligned = max(return_pc) over aligned
            then (return_pc % 32)::bigint
        end as alignment,
    from claimed
    window aligned as (partition by build_id, run_id, leaf_function, leaf_file, leaf_line, return_pc % 32)
),

varied as (
    select *,
        if(
            sampling_period > 1,
            value * if(sample_type in ('alloc_objects', 'inuse_objects'), 1, object_bytes)
                / (exp(least(object_bytes / sampling_period, 40)) - 1),
            null
        ) as variance,
    from classed
)

select
    build_id,
    run_id,
    stack_id,
    callee,
    callee_class,
    evidence,
    alignment,
    any_value(evidence_kinds.confidence) as confidence,
    coalesce(sum(value) filter (where sample_type = 'alloc_space'), 0)::bigint as alloc_bytes,
    coalesce(sum(value) filter (where sample_type = 'alloc_objects'), 0)::bigint as alloc_objects,
    coalesce(sum(value) filter (where sample_type = 'inuse_space'), 0)::bigint as inuse_bytes,
    coalesce(sum(value) filter (where sample_type = 'inuse_objects'), 0)::bigint as inuse_objects,
    coalesce(list_sum(list_sort(list(variance) filter (where sample_type = 'alloc_space'))), 0)
        as alloc_bytes_variance,
    coalesce(list_sum(list_sort(list(variance) filter (where sample_type = 'alloc_objects'))), 0)
        as alloc_objects_variance,
    coalesce(list_sum(list_sort(list(variance) filter (where sample_type = 'inuse_space'))), 0)
        as inuse_bytes_variance,
    coalesce(list_sum(list_sort(list(variance) filter (where sample_type = 'inuse_objects'))), 0)
        as inuse_objects_variance,
from varied
inner join evidence_kinds using (evidence)
-- No watched CALL of a binary that explains the profile.
where callee is not null
group by build_id, run_id, stack_id, callee, callee_class, evidence, alignment
