-- What is called at an address of a line, as traces and profiles of the build show it, without its binary.
-- grain: build_id, pc, file, line
-- scope: build
-- seen_callee: the frame directly above that address in a stack of a trace, a CPU, block or mutex profile.
-- text_frames: a text heap profile lists the frame's address, which such a capture names. Each says something only
-- where all that is seen is of one class. pc is the return address; file and line tell two places in memory apart
-- that a position independent program may have had.
with

captures as (
    select * from stg_captures
),

named as (
    select * from stg_named_addresses
),

samples as (
    select * from stg_profile_samples
),

sites as (
    select * from int_stack_sites
),

texts as (
    select * from int_text_callees
),

seen as (
    select captures.build_id, named.pc, named.file, named.line, 'seen_callee' as evidence, named.callee,
        named.callee_class,
    from named
    inner join captures using (capture_id)
    where named.callee <> ''
        and named.file <> ''
),

listed as (
    select texts.build_id, try_cast(samples.leaf_pc::hugeint + 1 as ubigint) as pc, sites.leaf_file as file, sites.leaf_line as line,
        'text_frames' as evidence, texts.callee, texts.callee_class,
    from texts
    inner join samples
        on samples.capture_id = texts.capture_id
        and samples.sample_index = texts.sample_index
        and samples.sample_type = 'alloc_space'
    inner join sites
        on sites.build_id = texts.build_id
        and sites.stack_id = samples.stack_id
    where sites.leaf_file <> ''
),

offered as (
    select * from seen
    union all
    select * from listed
)

select
    build_id,
    pc,
    file,
    line,
    min(evidence) as evidence,
    arg_min(callee, (evidence, callee)) as callee,
    any_value(callee_class) as callee_class,
from offered
group by build_id, pc, file, line
having count(distinct callee_class) = 1
