-- What is called in a line of a function, as any capture of the build tells it: what other builds may learn.
-- grain: build_id, function, line_offset, alignment, callee
-- scope: build
-- line_offset counts from the function's first line, and alignment is the return address modulo 32: both stay the same
-- while the function does, wherever it stands in its file and in memory. Of a binary's CALLs only those in functions
-- that a profile names.
with

captures as (
    select * from stg_captures
),

named as (
    select * from stg_named_addresses
),

seen as (
    select * from int_seen_callees
),

call_sites as (
    select * from stg_call_sites
),

starts as (
    select * from int_function_starts
),

-- The function that holds a line at an address: the innermost, where calls were inlined.
held as (
    select distinct
        captures.build_id,
        named.pc,
        named.file,
        named.line,
        regexp_replace(named.function, '\[.*\]', '[...]') as function,
    from named
    inner join captures using (capture_id)
    where named.file <> ''
),

called as (
    select
        captures.build_id,
        call_sites.pc,
        call_sites.file,
        call_sites.line,
        regexp_replace(call_sites.function, '\[.*\]', '[...]') as function,
        call_sites.callee,
        call_sites.callee_class,
    from call_sites
    inner join captures using (capture_id)
),

offered as (
    select held.build_id, held.function, held.file, held.line, held.pc, seen.callee, seen.callee_class,
    from seen
    inner join held using (build_id, pc, file, line)
    union all
    -- A position independent program is moved by whole pages.
    select held.build_id, held.function, held.file, held.line, held.pc, called.callee, called.callee_class,
    from called
    inner join held
        on held.build_id = called.build_id
        and held.file = called.file
        and held.line = called.line
        and held.pc % 32 = called.pc % 32
    union all
    select build_id, function, file, line, pc, callee, callee_class,
    from called
)

select distinct
    offered.build_id,
    offered.function,
    offered.line - starts.start_line as line_offset,
    (offered.pc % 32)::bigint as alignment,
    offered.callee,
    offered.callee_class,
from offered
inner join starts using (build_id, function, file)
where offered.line >= starts.start_line
