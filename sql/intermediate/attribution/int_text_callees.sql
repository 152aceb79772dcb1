-- What the samples of a text heap profile called in the runtime, by the names that other captures give its addresses.
-- grain: build_id, capture_id, sample_index
-- scope: build
-- Only text profiles (debug=1) list the addresses of the runtime's frames. An address between two of one function
-- lies in that function. The frame directly above the leaf is what the leaf called; where it has no name, it is an
-- assignment if what it called in turn makes a map grow; but growWork, which to Go 1.23 moves what has grown, is
-- called by deletions too. growth_callee is null where the map did not grow.
-- DuckDB's own: ASOF joins, list slices.
with

captures as (
    select * from stg_captures
),

samples as (
    select * from stg_profile_samples
),

named as (
    select * from stg_named_addresses
),

names as (
    select * from int_text_names
),

classes as (
    select captures.build_id, named.callee as function, any_value(named.callee_class) as callee_class,
    from named
    inner join captures using (capture_id)
    where named.callee <> ''
    group by captures.build_id, named.callee
),

listed as (
    select
        captures.build_id,
        samples.capture_id,
        samples.sample_index,
        samples.pcs,
        list_position(samples.pcs, try_cast(samples.leaf_pc::hugeint + 1 as ubigint)) as leaf_place,
    from samples
    inner join captures using (capture_id)
    where captures.kind in ('heap_text', 'allocs_text')
        and samples.sample_type = 'alloc_space'
),

-- The frames that the profile hides; the leaf called the outermost of them.
hidden as (
    select
        build_id,
        capture_id,
        sample_index,
        unnest(range(1, leaf_place)) as place,
        unnest(pcs[1 : leaf_place - 1]) as pc,
        leaf_place - 1 as outermost_place,
    from listed
    where leaf_place > 1
),

addresses as (
    select distinct build_id, capture_id, pc from hidden
),

below as (
    select addresses.*, names.function as function_below,
    from addresses
    asof left join names
        on names.build_id = addresses.build_id
        and names.capture_id = addresses.capture_id
        and addresses.pc >= names.pc
),

found as (
    select below.*, names.function,
    from below
    asof left join names
        on names.build_id = below.build_id
        and names.capture_id = below.capture_id
        and below.pc <= names.pc
),

known as (
    select
        hidden.build_id,
        hidden.capture_id,
        hidden.sample_index,
        hidden.outermost_place - hidden.place as depth,
        found.function,
        coalesce(classes.callee_class, 'other') as callee_class,
    from hidden
    inner join found using (build_id, capture_id, pc)
    left join classes
        on classes.build_id = found.build_id
        and classes.function = found.function
    where found.function = found.function_below
),

told as (
    select
        build_id,
        capture_id,
        sample_index,
        any_value(function) filter (where depth = 0) as called,
        any_value(callee_class) filter (where depth = 0) as called_class,
        bool_or(
            depth = 1
            and (callee_class = 'map_grow' or ends_with(function, '.(*Map).growToSmall'))
            and not starts_with(function, 'runtime.growWork')
            and not starts_with(function, 'runtime.evacuate')
        ) as is_assignment,
        arg_min(function, depth) filter (where callee_class = 'map_grow') as growth_callee,
    from known
    group by build_id, capture_id, sample_index
)

select
    build_id,
    capture_id,
    sample_index,
    coalesce(called, 'runtime.mapassign') as callee,
    coalesce(called_class, 'map_assign') as callee_class,
    growth_callee,
from told
where called is not null
    or is_assignment
