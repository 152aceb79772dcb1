-- Stacks of profiles that came without names, with those that the binary gives their addresses.
-- grain: build_id, stack_id
-- scope: build
-- The binary must have the mapping's build id or, where that has none, its file's name. A frame that no binary
-- explains keeps what it was called. Of inlined calls only the innermost line is told, as go tool pprof does it.
-- DuckDB's own: ASOF joins; path_id_of is a function of ours.
with

unnamed as (
    select * from int_unnamed_frames
),

binaries as (
    select * from int_profile_binaries
),

functions as (
    select * from stg_binary_functions
),

lines as (
    select * from stg_binary_lines
),

stacks as (
    select * from stg_stacks
),

addressed as (
    select
        unnamed.build_id,
        unnamed.stack_id,
        unnamed.place,
        any_value(binaries.binary_capture_id) as capture_id,
        any_value(try_cast(unnamed.pc::hugeint - binaries.bias as ubigint)) as pc,
    from unnamed
    inner join binaries
        on binaries.capture_id = unnamed.capture_id
        and binaries.mapping_index = unnamed.mapping_index
    where binaries.is_proven or binaries.is_same_file
    group by unnamed.build_id, unnamed.stack_id, unnamed.place
),

in_functions as (
    select addressed.*, functions.function, functions.end_pc,
    from addressed
    asof join functions
        on functions.capture_id = addressed.capture_id
        and addressed.pc >= functions.start_pc
),

found as (
    select in_functions.build_id, in_functions.stack_id, in_functions.place, in_functions.function, lines.file, lines.line,
    from in_functions
    asof left join lines
        on lines.capture_id = in_functions.capture_id
        and in_functions.pc >= lines.start_pc
    where in_functions.pc < in_functions.end_pc
),

framed as (
    select
        explained.build_id,
        explained.stack_id,
        unnest(range(1, len(stacks.functions) + 1)) as place,
        unnest(stacks.functions) as function,
        unnest(stacks.files) as file,
        unnest(stacks.lines) as line,
        stacks.pcs,
    from (select distinct build_id, stack_id from found) as explained
    inner join (select distinct on (stack_id) * from stacks) as stacks using (stack_id)
),

filled as (
    select
        framed.build_id,
        framed.stack_id,
        list(coalesce(found.function, framed.function) order by framed.place) as functions,
        list(coalesce(found.file, framed.file) order by framed.place) as files,
        list(coalesce(found.line, framed.line) order by framed.place) as lines,
    from framed
    left join found
        on found.build_id = framed.build_id
        and found.stack_id = framed.stack_id
        and found.place = framed.place
    group by framed.build_id, framed.stack_id
)

select build_id, stack_id, path_id_of(functions) as path_id, functions, files, lines,
from filled
