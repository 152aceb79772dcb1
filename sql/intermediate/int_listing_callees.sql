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
        case
            when regexp_matches(listed.callee, '^(runtime|reflect)\.mapassign') then 'map_assign'
            when regexp_matches(listed.callee, '^(runtime|reflect)\.makemap') then 'map_make'
            when listed.callee in ('runtime.mapclone', 'maps.clone') then 'map_clone'
            when starts_with(listed.callee, 'runtime.convT') then 'convert'
            else 'other'
        end as callee_class,
    from listed
    inner join captures using (capture_id)
),

-- Functions are aligned to 32 bytes on amd64, so an address tells its offset modulo 32.
offered as (
    select build_id, file, line, 'listing_offset' as evidence, return_offset, callee, callee_class,
    from calls
    union all
    select build_id, file, line, 'listing_offset_mod_32', return_offset % 32, callee, callee_class,
    from calls
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
from offered
group by build_id, file, line, evidence, return_offset
having count(distinct callee_class) = 1
