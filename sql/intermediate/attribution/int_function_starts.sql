-- The line where each function begins, as the build's protobuf profiles say it.
-- grain: build_id, function, file
-- scope: build
-- Traces call the instances of a generic function alike: [...] stands for any type arguments.
with

captures as (
    select * from stg_captures
),

named as (
    select * from stg_named_addresses
    where start_line is not null
)

select
    captures.build_id,
    regexp_replace(named.function, '\[.*\]', '[...]') as function,
    named.file,
    min(named.start_line) as start_line,
from named
inner join captures using (capture_id)
group by all
