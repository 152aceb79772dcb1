-- The file of the program that a compiler's or an analyzer's report means: each names files from where it stood.
-- grain: build_id, package, reported_file
-- scope: build
-- One name is absolute, one begins at the module, one at the folder of the build: what they share is their end. The
-- longest common end decides, if it is all of one name or two parts long, and no other file shares as much. A compiler
-- names the package too, so that its files have a second name, the package's path; an analyzer's package is null.
-- DuckDB's own: list_reverse, list_zip and list_position with a lambda.
with

captures as (
    select * from stg_captures
),

escaping as (
    select * from stg_escapes
),

found as (
    select * from stg_static_findings
),

listed as (
    select * from stg_listing_calls
),

called as (
    select * from stg_call_sites
),

allocated as (
    select * from int_line_allocations
),

reported as (
    select captures.build_id, escaping.package, escaping.file as reported_file,
    from escaping
    inner join captures using (capture_id)
    union
    select captures.build_id, null, found.file,
    from found
    inner join captures using (capture_id)
    where found.file is not null
),

compiled as (
    select build_id, file from allocated
    union
    select captures.build_id, listed.file,
    from listed
    inner join captures using (capture_id)
    union
    select captures.build_id, called.file,
    from called
    inner join captures using (capture_id)
),

names as (
    select *, reported_file as name,
    from reported
    union all
    select *, package || '/' || regexp_extract(reported_file, '[^/\\]*$'),
    from reported
    where package is not null
),

-- From the file's name outwards.
reported_parts as (
    select *, list_reverse(string_split(ltrim(replace(name, '\', '/'), './'), '/')) as parts,
    from names
),

compiled_parts as (
    select *, list_reverse(string_split(ltrim(replace(file, '\', '/'), './'), '/')) as parts,
    from compiled
    where file is not null
),

paired as (
    select
        reported_parts.build_id,
        reported_parts.package,
        reported_parts.reported_file,
        compiled_parts.file,
        least(len(reported_parts.parts), len(compiled_parts.parts)) as most,
        coalesce(
            list_position(
                list_transform(
                    list_zip(reported_parts.parts, compiled_parts.parts),
                    lambda pair: pair[1] is not distinct from pair[2]
                ),
                false
            ) - 1,
            len(reported_parts.parts)
        ) as shared,
    from reported_parts
    inner join compiled_parts
        on compiled_parts.build_id = reported_parts.build_id
        and compiled_parts.parts[1] = reported_parts.parts[1]
),

by_both as (
    select build_id, package, reported_file, file, max(shared) as shared,
    from paired
    where shared >= least(2, most)
    group by all
),

-- A file is of one package: of that whose names share most with it.
owned as (
    select *,
    from by_both
    qualify package is null
        or max(shared) over (partition by build_id, file, package)
            = max(shared) filter (where package is not null) over (partition by build_id, file)
),

ranked as (
    select
        *,
        rank() over by_length as place,
        count(*) over (partition by build_id, package, reported_file, shared) as rivals,
    from owned
    window by_length as (
        partition by build_id, package, reported_file
        order by shared desc
    )
)

select build_id, package, reported_file, file,
from ranked
where place = 1
    and rivals = 1
qualify package is null or count(distinct package) over (partition by build_id, file) = 1
