-- What a compiler listing says that a line of code calls, at an offset of its function or anywhere in the line.
-- grain: build_id, file, line, evidence, return_offset
-- scope: build
-- Each rung says something only where all calls that match are of one class. Never by function: a generic function
-- has other names in a listing than in a profile. return_offset is null where the line alone decides.
with

captures as (
    select * from stg_captures
),

listed as (
    select * from stg_listing_calls
),

calls as (
    select
        captures.build_id,
        listed.file,
        listed.line,
        listed.return_offset,
        listed.callee,
        listed.callee_class,
        listed.architecture,
    from listed
    inner join captures using (capture_id)
),

-- Functions are aligned to 32 bytes on amd64, so an address tells its offset modulo 32; to less elsewhere.
offered as (
    select build_id, file, line, 'listing_offset' as evidence, return_offset, callee, callee_class,
    from calls
    union all
    select build_id, file, line, 'listing_offset_mod_32', return_offset % 32, callee, callee_class,
    from calls
    where architecture = 'amd64'
    union all
    select build_id, file, line, 'listing_line', null, callee, callee_class,
    from calls
    union all
    select build_id, file, line, 'listing_any_map_call', null, callee, callee_class,
    from calls
    where callee_class = 'map_assign'
)

select
    build_id,
    file,
    line,
    evidence,
    return_offset,
    min(callee) as callee,
    min(callee_class) as callee_class,
from offered
group by build_id, file, line, evidence, return_offset
having count(distinct callee_class) = 1
