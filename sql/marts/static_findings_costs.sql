-- What analyzers found in the source, with what its line cost at run time.
-- grain: build_id, file, line, column, tool, rule, message
-- scope: build
-- Means over the build's runs; null where no run has a heap profile, or a trace. A wait counts to the line that its
-- call path waited in longest.
with

captures as (
    select * from stg_captures
),

found as (
    select * from stg_static_findings
),

source_files as (
    select * from int_source_files
),

allocated as (
    select * from int_line_allocations
),

coverage as (
    select * from int_heap_coverage
),

blocks as (
    select * from goroutine_blocks
),

profiled as (
    select build_id, count(distinct run_id) as runs,
    from coverage
    group by build_id
),

traced as (
    select build_id, count(distinct run_id) as runs,
    from captures
    where kind = 'trace'
    group by build_id
),

lines as (
    select
        build_id,
        file,
        line,
        arg_max(function, alloc_bytes) as function,
        sum(alloc_bytes) as alloc_bytes,
        sum(alloc_objects) as alloc_objects,
        sum(inuse_bytes) as inuse_bytes,
    from allocated
    where is_leaf
    group by build_id, file, line
),

waits as (
    select build_id, file, line, any_value(function) as function, sum(block_ns) as block_ns,
    from blocks
    group by build_id, file, line
),

findings as (
    select
        captures.build_id,
        coalesce(source_files.file, found.file) as file,
        found.line,
        found."column",
        found.tool,
        found.rule,
        found.message,
        any_value(found.level) as level,
        bool_or(found.is_suppressed) as is_suppressed,
    from found
    inner join captures using (capture_id)
    left join source_files
        on source_files.build_id = captures.build_id
        and source_files.reported_file = found.file
    group by all
)

select
    findings.build_id,
    findings.file,
    findings.line,
    findings."column",
    findings.tool,
    findings.rule,
    findings.message,
    findings.level,
    findings.is_suppressed,
    coalesce(lines.function, waits.function) as function,
    round(coalesce(lines.alloc_bytes, 0) / profiled.runs)::bigint as alloc_bytes,
    round(coalesce(lines.alloc_objects, 0) / profiled.runs)::bigint as alloc_objects,
    round(coalesce(lines.inuse_bytes, 0) / profiled.runs)::bigint as inuse_bytes,
    round(coalesce(waits.block_ns, 0) / traced.runs)::bigint as block_ns,
from findings
left join profiled using (build_id)
left join traced using (build_id)
left join lines
    on lines.build_id = findings.build_id
    and lines.file = findings.file
    and lines.line = findings.line
left join waits
    on waits.build_id = findings.build_id
    and waits.file = findings.file
    and waits.line = findings.line
