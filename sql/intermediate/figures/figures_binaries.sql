-- The size of a build's executables, and of the machine code of each package.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- An assembly function without a package in its name is of the one that its file lies in; what the compiler makes to
-- compare and hash values, of the type's. What it makes for types without a name is of no package.
-- DuckDB's own: ASOF joins.
with

captures as (
    select * from stg_captures
),

unpacked as (
    select * from stg_binary_sizes
),

functions as (
    select * from stg_binary_functions
),

lines as (
    select * from stg_binary_lines
),

without_package as (
    select * from functions
    where not contains(function, '.')
),

placed as (
    select functions.*, lines.file,
    from without_package as functions
    asof left join lines
        on lines.capture_id = functions.capture_id
        and lines.start_pc <= functions.start_pc
),

with_package as (
    select capture_id, start_pc, end_pc, regexp_replace(function, '^type(:|\.)\.(eq|hash)\.', '') as name,
    from functions
    where contains(function, '.')
),

packaged as (
    select capture_id, start_pc, end_pc,
        if(contains(name, '.'), regexp_extract(split_part(name, '[', 1), '^(.*/)?[^./]+'), '') as package,
    from with_package
    union all
    select capture_id, start_pc, end_pc,
        regexp_extract(regexp_replace(file, '^.*/(src|pkg/mod)/|@[^/]*', '', 'g'), '^(.+)/[^/]*$', 1) as package,
    from placed
),

code as (
    select
        captures.build_id,
        captures.run_id,
        packaged.package,
        sum(packaged.end_pc::hugeint - packaged.start_pc::hugeint)::double as value,
    from packaged
    inner join captures using (capture_id)
    group by all
),

-- Of a binary loaded before its unpacked size was noted, the size on disk tells it unless the file is compressed.
sizes as (
    select
        captures.build_id,
        captures.run_id,
        coalesce(
            unpacked.file_bytes,
            if(regexp_matches(captures.path, '\.(gz|zst|xz|bz2|lz4)$'), null, captures.size_bytes)
        ) as file_bytes,
    from captures
    left join unpacked using (capture_id)
    where captures.kind = 'binary'
)

select build_id, run_id, 'package_code_bytes' as metric, package as subject, value, 'binary' as evidence,
from code
where package <> '' and not regexp_matches(package, '[ :]') and value > 0
union all by name
select build_id, run_id, 'binary_bytes' as metric, 'program' as subject, sum(file_bytes)::double as value,
    'binary' as evidence,
from sizes
group by build_id, run_id
having bool_and(coalesce(file_bytes, 0) > 0)
