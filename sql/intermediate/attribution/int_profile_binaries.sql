-- The binary that a profile's mapping was made from, and what is subtracted from its addresses.
-- grain: build_id, capture_id, mapping_index
-- scope: build
-- By GNU build id where the profile has one, and then a binary with another id is refused. To Go 1.23 profiles have
-- none: then any binary of the build may be it, the one of the same name first, and each CALL has to prove itself.
-- Of profiles only those of the heap are looked up, and those that name no functions.
with

captures as (
    select * from stg_captures
),

binaries as (
    select * from stg_binaries
),

mappings as (
    select * from stg_profile_mappings
),

samples as (
    select * from stg_profile_samples
),

unnamed as (
    select * from int_unnamed_frames
),

-- A text profile is looked up beside another of its run too: it tells what grew.
used as (
    select capture_id from int_heap_captures
    union
    select samples.capture_id
    from samples
    inner join captures using (capture_id)
    where captures.format = 'legacy_profile'
        and samples.sample_type = 'alloc_space'
    union
    select capture_id from unnamed
),

text_biases as (
    select * from int_text_biases
),

-- Files may be stored compressed and renamed by their extension alone.
candidates as (
    select
        captures.build_id,
        captures.run_id,
        binaries.*,
        regexp_replace(regexp_extract(captures.path, '[^/]+$'), '\.(gz|zst|xz)$', '') as file_name,
    from binaries
    inner join captures using (capture_id)
),

-- The old text form names no mappings.
mapped as (
    select
        used.capture_id,
        mappings.mapping_index,
        mappings.mapping_start,
        mappings.mapping_offset,
        mappings.gnu_build_id,
        regexp_extract(mappings.mapping_file, '[^/]+$') as file_name,
    from used
    left join mappings using (capture_id)
),

profiled as (
    select captures.build_id, captures.run_id, mapped.*,
    from mapped
    inner join captures using (capture_id)
),

matched as (
    select
        profiled.build_id,
        profiled.capture_id,
        profiled.mapping_index,
        candidates.capture_id as binary_capture_id,
        profiled.gnu_build_id is not null as is_proven,
        candidates.file_name = profiled.file_name as is_same_file,
        -- A non-PIE binary runs where it was linked.
        case
            when candidates.is_pie
                then coalesce(
                    profiled.mapping_start::hugeint - profiled.mapping_offset::hugeint
                        - (candidates.segment_vaddr::hugeint - candidates.segment_offset::hugeint),
                    text_biases.bias
                )
            else 0::hugeint
        end as bias,
        row_number() over (
            partition by profiled.capture_id, profiled.mapping_index
            order by
                candidates.file_name = profiled.file_name desc,
                candidates.run_id = profiled.run_id desc,
                candidates.capture_id
        ) as choice,
    from profiled
    inner join candidates
        on candidates.build_id = profiled.build_id
        and coalesce(candidates.gnu_build_id = profiled.gnu_build_id, profiled.gnu_build_id is null)
    left join text_biases
        on text_biases.build_id = profiled.build_id
        and text_biases.capture_id = profiled.capture_id
        and text_biases.binary_capture_id = candidates.capture_id
)

select build_id, capture_id, mapping_index, binary_capture_id, is_proven, is_same_file, bias,
from matched
where choice = 1
