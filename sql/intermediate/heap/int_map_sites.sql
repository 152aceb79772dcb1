-- What map_sites says, as far as the captures of a build tell it themselves.
-- grain: build_id, file, line
-- scope: build
-- Means over the build's runs. Bytes are those of the line's map calls, also where the standard library makes them
-- on its behalf (json.Unmarshal); block_ns and assist_ns are the whole function's, for a lock is taken in another
-- line. A line that the binary or the listing has, and no sample, allocated too little to be seen. Lifetimes are
-- known by type, not by line: they are of all maps of the types that a listing names for the line.
-- DuckDB's own: list_distinct, list_sort.
with

captures as (
    select * from stg_captures
),

binaries as (
    select * from stg_binaries
),

called as (
    select * from stg_call_sites
),

listed as (
    select * from stg_listing_calls
),

callees as (
    select * from int_profile_callees
),

sites as (
    select * from int_stack_sites
),

coverage as (
    select * from int_heap_coverage
),

functions as (
    select * from int_block_mapassign
),

escaping as (
    select * from escape_costs
),

found as (
    select * from static_findings_costs
),

lifetimes as (
    select * from map_lifetimes
),

profiled as (
    select build_id, count(distinct run_id) as runs,
    from coverage
    group by build_id
),

compiled as (
    select capture_id, file, line, function, callee, callee_class from called
    union
    select capture_id, file, line, function, callee, callee_class from listed
),

-- Whose code is the program's: for a binary its own module, for a listing those of all binaries of its build.
modules as (
    select capture_id, module
    from binaries
    where module is not null
    union
    select listings.capture_id, binaries.module
    from captures as listings
    inner join captures as linked using (build_id)
    inner join binaries on binaries.capture_id = linked.capture_id
    where listings.kind = 'listing' and binaries.module is not null
),

-- In a function's name the dots of its package's last part are escaped.
named as (
    select *, replace(function, '%2e', '.') as plain_name,
    from compiled
),

-- Of the standard library and other modules only what a sample leads to from the program. Without a module: what is
-- linked as a program, and what go test was given as files.
in_code as (
    select
        captures.build_id,
        named.file,
        named.line,
        named.function,
        named.callee,
        null as evidence,
        null as confidence,
        0 as alloc_bytes,
        0 as alloc_objects,
        0 as inuse_bytes,
    from named
    inner join captures using (capture_id)
    left join modules using (capture_id)
    where named.callee_class in ('map_assign', 'map_make', 'map_clone')
        and (
            starts_with(named.plain_name, 'main.')
            or starts_with(named.plain_name, 'command-line-arguments.')
            or starts_with(named.plain_name, modules.module || '.')
            or starts_with(named.plain_name, modules.module || '_test.')
            or starts_with(named.plain_name, modules.module || '/')
            or modules.module is null
        )
),

in_profiles as (
    select
        callees.build_id,
        sites.file,
        sites.line,
        sites.function,
        callees.callee,
        callees.evidence,
        callees.confidence,
        callees.alloc_bytes,
        callees.alloc_objects,
        callees.inuse_bytes,
    from callees
    inner join sites
        on sites.build_id = callees.build_id
        and sites.stack_id = callees.stack_id
    where (starts_with(callees.callee_class, 'map_') or callees.callee_class = 'sync_map')
        and sites.file is not null
),

known as (
    select * from in_code
    union all
    select * from in_profiles
),

lines as (
    select
        build_id,
        file,
        line,
        first(function order by alloc_bytes desc, function) as function,
        list_sort(list_distinct(list(callee))) as callees,
        sum(alloc_bytes) as alloc_bytes,
        sum(alloc_objects) as alloc_objects,
        sum(inuse_bytes) as inuse_bytes,
        -- Of several, the least sure.
        arg_min(evidence, (confidence, evidence)) as evidence,
        min(confidence) as confidence,
    from known
    group by build_id, file, line
),

-- The linker's name of a type has whole package paths, the trace's their last part: map.group[string]*app.Session.
-- What is stored in a map is named for its key and element, so the lives of a map type with a name of its own are not
-- found.
typed as (
    select distinct
        captures.build_id,
        listed.file,
        listed.line,
        listed.map_type,
        case when starts_with(listed.map_type, 'map[')
            then regexp_replace(substr(listed.map_type, 4), '([^\[\]*(){} ,]+/)+', '', 'g')
        end as short_type,
    from listed
    inner join captures using (capture_id)
    where listed.map_type is not null
),

types_by_line as (
    select
        typed.build_id,
        typed.file,
        typed.line,
        list_sort(list_distinct(list(typed.map_type))) as map_types,
        max(lifetimes.lifetime_p50_ns) as type_lifetime_p50_ns,
        max(lifetimes.lifetime_p99_ns) as type_lifetime_p99_ns,
    from typed
    left join lifetimes
        on lifetimes.build_id = typed.build_id
        and lifetimes.type_name in ('map.group' || typed.short_type, 'map.bucket' || typed.short_type)
    group by typed.build_id, typed.file, typed.line
),

escapes_by_line as (
    select build_id, file, line, list(message order by "column", message) as escape_messages,
    from escaping
    group by build_id, file, line
),

findings_by_line as (
    select build_id, file, line,
        list(message order by "column", message) filter (where not coalesce(is_suppressed, false))
            as finding_messages,
    from found
    group by build_id, file, line
)

select
    lines.build_id,
    lines.file,
    lines.line,
    lines.function,
    lines.callees,
    round(lines.alloc_bytes / profiled.runs)::bigint as alloc_bytes,
    round(lines.alloc_objects / profiled.runs)::bigint as alloc_objects,
    round(lines.inuse_bytes / profiled.runs)::bigint as inuse_bytes,
    lines.evidence,
    lines.confidence,
    functions.block_ns,
    functions.assist_ns,
    coalesce(types_by_line.map_types, []) as map_types,
    types_by_line.type_lifetime_p50_ns,
    types_by_line.type_lifetime_p99_ns,
    coalesce(escapes_by_line.escape_messages, []) as escape_messages,
    coalesce(findings_by_line.finding_messages, []) as finding_messages,
from lines
left join profiled using (build_id)
left join functions
    on functions.build_id = lines.build_id
    and functions.function = lines.function
left join types_by_line
    on types_by_line.build_id = lines.build_id
    and types_by_line.file = lines.file
    and types_by_line.line = lines.line
left join escapes_by_line
    on escapes_by_line.build_id = lines.build_id
    and escapes_by_line.file = lines.file
    and escapes_by_line.line = lines.line
left join findings_by_line
    on findings_by_line.build_id = lines.build_id
    and findings_by_line.file = lines.file
    and findings_by_line.line = lines.line
