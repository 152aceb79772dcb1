-- What analyzers found in the source, with what its line cost at run time.
-- grain: build_id, file, line, column, tool, rule, message
-- scope: build
-- Means over the build's runs; null where no run has a heap profile, or a trace. A wait counts to the line that its
-- call path waited in longest.
with

captures as (
    select * from int_counted_captures
),

found as (
    select * from stg_static_findings
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

blocks as (
    select * from goroutine_blocks
),

profiled as (
    select distinct build_id from coverage
),

traced as (
    select build_id, count(distinct run_id) as runs,
    from captures
    where kind in ('trace', 'flight')
    group by build_id
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
        and source_files.package is null
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
    case when profiled.build_id is not null then coalesce(lines.alloc_bytes, 0) end as alloc_bytes,
    case when profiled.build_id is not null then coalesce(lines.alloc_objects, 0) end as alloc_objects,
    case when profiled.build_id is not null then coalesce(lines.inuse_bytes, 0) end as inuse_bytes,
    case when profiled.build_id is not null then coalesce(lines.alloc_under_bytes, 0) end as alloc_under_bytes,
    case when profiled.build_id is not null then coalesce(lines.inuse_under_bytes, 0) end as inuse_under_bytes,
    round(coalesce(waits.block_ns, 0) / traced.runs)::bigint as block_ns,
from findings
left join profiled on profiled.build_id = findings.build_id
left join traced on traced.build_id = findings.build_id
left join lines
    on lines.build_id = findings.build_id
    and lines.file = findings.file
    and lines.line = findings.line
left join waits
    on waits.build_id = findings.build_id
    and waits.file = findings.file
    and waits.line = findings.line
