-- Every line of the program that assigns, makes or clones a map, or stores in a sync.Map, with all that is known of it side by side.
-- grain: build_id, file, line
-- scope: view
-- Means over the build's runs. Bytes are those of the line's map calls, also where the standard library makes them
-- on its behalf (json.Unmarshal); block_ns and assist_ns are the whole function's, for a lock is taken in another
-- line. A line that the binary or the listing has, and no sample, allocated too little to be seen. Lifetimes are
-- known by type, not by line: they are of all maps of the types that a listing names for the line.
with

told as (
    select * from int_map_sites
),

pooled as (
    select * from int_pooled_lines
),

functions as (
    select * from int_block_mapassign
)

select
    coalesce(told.build_id, pooled.build_id) as build_id,
    coalesce(told.file, pooled.file) as file,
    coalesce(told.line, pooled.line) as line,
    coalesce(told.function, pooled.function) as function,
    list_sort(list_distinct(list_concat(told.callees, pooled.callees))) as callees,
    coalesce(told.alloc_bytes + pooled.alloc_bytes, told.alloc_bytes, pooled.alloc_bytes) as alloc_bytes,
    coalesce(told.alloc_objects + pooled.alloc_objects, told.alloc_objects, pooled.alloc_objects) as alloc_objects,
    coalesce(told.inuse_bytes + pooled.inuse_bytes, told.inuse_bytes, pooled.inuse_bytes) as inuse_bytes,
    -- Of several, the least sure.
    case when coalesce(told.confidence <= pooled.confidence, pooled.build_id is null) then told.evidence
        else pooled.evidence end as evidence,
    least(told.confidence, pooled.confidence) as confidence,
    coalesce(told.block_ns, functions.block_ns) as block_ns,
    coalesce(told.assist_ns, functions.assist_ns) as assist_ns,
    coalesce(told.map_types, []) as map_types,
    told.type_lifetime_p50_ns,
    told.type_lifetime_p99_ns,
    coalesce(told.escape_messages, []) as escape_messages,
    coalesce(told.finding_messages, []) as finding_messages,
from told
full join pooled
    on pooled.build_id = told.build_id
    and pooled.file = told.file
    and pooled.line = told.line
left join functions
    on functions.build_id = pooled.build_id
    and functions.function = pooled.function
