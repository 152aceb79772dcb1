-- What each heap sample's allocating function called, told by a compiler listing alone: every rung that answers.
-- grain: capture_id, sample_index, evidence
-- A rung answers only if all calls that match are of one class. An address tells its offset in the function
-- modulo 32, to which functions are aligned on amd64.
with

samples as (
    select distinct capture_id, sample_index, stack_id, leaf_pc, leaf_offset
    from profile_samples
    where sample_type in ('alloc_space', 'inuse_space') and leaf_pc is not null
),

leaves as (
    select
        samples.capture_id,
        samples.sample_index,
        captures.build_id,
        stacks.functions[1] as function,
        stacks.files[1] as file,
        stacks.lines[1] as line,
        samples.leaf_offset + 1 as return_offset,
        ((samples.leaf_pc + 1) % 32)::bigint as return_offset_mod
    from samples
    join captures using (capture_id)
    join stacks using (stack_id)
),

calls as (
    select
        captures.build_id,
        listing_calls.file,
        listing_calls.line,
        listing_calls.return_offset,
        listing_calls.callee,
        case
            when regexp_matches(callee, '^(runtime|reflect)\.mapassign') then 'mapassign'
            when regexp_matches(callee, '^(runtime|reflect)\.makemap') then 'makemap'
            when regexp_matches(callee, '^(maps\.clone|runtime\.mapclone)') then 'mapclone'
            when regexp_matches(callee, '^runtime\.convT') then 'boxing'
            else 'other'
        end as callee_class
    from listing_calls
    join captures using (capture_id)
),

matches as (
    select leaves.*, calls.callee, calls.callee_class, rung.evidence
    from leaves
    join calls using (build_id, file, line)
    join (
        values ('listing offset'), ('listing offset mod 32'), ('listing, all calls of the line')
    ) as rung (evidence)
        on case rung.evidence
            when 'listing offset' then calls.return_offset = leaves.return_offset
            when 'listing offset mod 32' then calls.return_offset % 32 = leaves.return_offset_mod
            else true
        end
)

select
    capture_id,
    sample_index,
    function,
    file,
    line,
    evidence,
    min(callee) as callee,
    min(callee_class) as callee_class
from matches
group by all
having count(distinct callee_class) = 1

union all

-- The last rung guesses: a map is assigned somewhere in the line.
select capture_id, sample_index, function, file, line, 'listing, any map call' as evidence, min(callee), 'mapassign'
from matches
where callee_class = 'mapassign'
group by all
