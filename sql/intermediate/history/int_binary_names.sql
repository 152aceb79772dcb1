-- Which functions a build's binary has, of the packages that stand in its stacks: hashes of their names, in 32 bits.
-- grain: build_id
-- scope: build
-- Whether a function was there before it cost anything, or is there after, tells what was renamed.
with

captures as (
    select * from stg_captures
),

functions as (
    select * from stg_binary_functions
),

seen as (
    select * from int_functions_seen
),

packages as (
    select distinct build_id, regexp_extract(split_part(function, '[', 1), '^(.*/)?[^./]+') as package,
    from seen
),

named as (
    select captures.build_id, regexp_replace(functions.function, '\[.*\]', '[...]') as function,
        regexp_extract(split_part(functions.function, '[', 1), '^(.*/)?[^./]+') as package,
    from functions
    inner join captures using (capture_id)
)

select build_id, list_sort(list(distinct (md5_number(function) % 4294967296)::uinteger)) as functions,
from named
semi join packages using (build_id, package)
group by build_id
