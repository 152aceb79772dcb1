-- The functions of the addresses that a text heap profile lists, as other captures of the same process name them.
-- grain: build_id, capture_id, pc
-- scope: build
-- Two captures of a build are of programs at the same place in memory where they name one address alike: without
-- PIE all are, with it those of one process.
with

captures as (
    select * from stg_captures
),

named as (
    select * from stg_named_addresses
),

heap_texts as (
    select captures.build_id, captures.capture_id, named.pc, named.function, named.file, named.line,
    from captures
    inner join named using (capture_id)
    where captures.kind in ('heap_text', 'allocs_text')
),

others as (
    select captures.build_id, captures.capture_id, named.pc, named.function, named.file, named.line,
    from captures
    inner join named using (capture_id)
    where captures.build_id in (select build_id from heap_texts)
        and named.file <> ''
),

paired as (
    select distinct heap_texts.build_id, heap_texts.capture_id, others.capture_id as other_capture_id,
    from heap_texts
    inner join others using (build_id, pc, function, file, line)
    where others.capture_id <> heap_texts.capture_id
)

select
    paired.build_id,
    paired.capture_id,
    named.pc,
    -- Where calls are inlined a trace says the innermost function, a protobuf profile the outermost too.
    coalesce(max(named.outermost_function), min(named.function)) as function,
from paired
inner join named on named.capture_id = paired.other_capture_id
group by paired.build_id, paired.capture_id, named.pc
