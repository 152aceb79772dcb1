-- Values that the compiler put on the heap, with the bytes that were sampled in their line.
-- grain: build_id, package, file, line, column, message
-- scope: build
-- Means over the build's runs that have a heap profile; null where none has. Bytes are of the whole line: of the
-- escape_count values that escape there, none is told from another.
with

captures as (
    select * from stg_captures
),

escaping as (
    select * from stg_escapes
),

source_files as (
    select * from int_source_files
),

lines as (
    select * from int_line_costs
),

coverage as (
    select * from int_heap_coverage
),

profiled as (
    select distinct build_id from coverage
),

escapes_told as (
    select distinct
        captures.build_id,
        escaping.package,
        coalesce(source_files.file, escaping.file) as file,
        escaping.line,
        escaping."column",
        escaping.message,
        escaping.kind,
    from escaping
    inner join captures using (capture_id)
    left join source_files
        on source_files.build_id = captures.build_id
        and source_files.package is not distinct from escaping.package
        and source_files.reported_file = escaping.file
    where escaping.kind in ('escapes_to_heap', 'moved_to_heap')
)

select
    escapes_told.build_id,
    escapes_told.package,
    escapes_told.file,
    escapes_told.line,
    escapes_told."column",
    escapes_told.message,
    escapes_told.kind,
    lines.function,
    count(*) over (
        partition by escapes_told.build_id, escapes_told.package, escapes_told.file, escapes_told.line
    ) as escape_count,
    case when profiled.build_id is not null then coalesce(lines.alloc_bytes, 0) end as alloc_bytes,
    case when profiled.build_id is not null then coalesce(lines.alloc_objects, 0) end as alloc_objects,
    case when profiled.build_id is not null then coalesce(lines.inuse_bytes, 0) end as inuse_bytes,
from escapes_told
left join profiled on profiled.build_id = escapes_told.build_id
left join lines
    on lines.build_id = escapes_told.build_id
    and lines.file = escapes_told.file
    and lines.line = escapes_told.line
