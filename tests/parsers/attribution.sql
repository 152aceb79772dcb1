-- What each heap sample's allocating function called in the runtime: map assignment, map creation, boxing …
-- grain: capture_id, sample_index
with

samples as (
    select distinct capture_id, sample_index, stack_id, leaf_pc, mapping_index
    from profile_samples
    where sample_type in ('alloc_space', 'inuse_space') and leaf_pc is not null
),

leaves as (
    select
        samples.capture_id,
        samples.sample_index,
        captures.build_id,
        stacks.functions[1] as function,
        stacks.files[1] as file,
        stacks.lines[1] as line,
        samples.leaf_pc::hugeint + 1 as return_pc,
        mappings.gnu_build_id,
        mappings.mapping_start::hugeint - mappings.mapping_offset as loaded_at
    from samples
    join captures using (capture_id)
    join stacks using (stack_id)
    left join profile_mappings as mappings
        on mappings.capture_id = samples.capture_id and mappings.mapping_index = samples.mapping_index
),

images as (
    select
        captures.build_id,
        binaries.capture_id as binary_id,
        binaries.gnu_build_id,
        binaries.is_pie,
        binaries.segment_vaddr::hugeint - binaries.segment_offset as linked_at
    from binaries
    join captures using (capture_id)
),

-- A binary with another build id is another program; before Go 1.24 the check of the line below must do.
addressed as (
    select
        leaves.*,
        images.binary_id,
        try_cast(return_pc - case when images.is_pie then loaded_at - linked_at else 0 end as ubigint) as pc
    from leaves
    join images
        on images.build_id = leaves.build_id
        and coalesce(images.gnu_build_id = leaves.gnu_build_id, true)
),

called as (
    select addressed.capture_id, addressed.sample_index, min(call_sites.callee) as callee
    from addressed
    join call_sites
        on call_sites.capture_id = addressed.binary_id
        and call_sites.pc = addressed.pc
        and call_sites.file = addressed.file
        and call_sites.line = addressed.line
    group by all
),

named as (
    select
        leaves.*,
        case
            when starts_with(function, 'reflect.mapassign') or starts_with(function, 'reflect.makemap') then function
            when function = 'maps.clone' then function
        end as name,
        called.callee as called
    from leaves
    left join called using (capture_id, sample_index)
)

select
    capture_id,
    sample_index,
    function,
    file,
    line,
    coalesce(name, called) as callee,
    case
        when regexp_matches(coalesce(name, called), '^(runtime|reflect)\.mapassign') then 'mapassign'
        when regexp_matches(coalesce(name, called), '^(runtime|reflect)\.makemap') then 'makemap'
        when regexp_matches(coalesce(name, called), '^(maps\.clone|runtime\.mapclone)') then 'mapclone'
        when regexp_matches(called, '^runtime\.convT') then 'boxing'
        when called is not null then 'other'
    end as callee_class,
    case when name is not null then 'name' when called is not null then 'call target' end as evidence
from named
