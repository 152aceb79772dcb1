-- Where a text profile's program ran, less where its binary was linked: the same for all of its functions.
-- grain: build_id, capture_id, binary_capture_id
-- scope: build
-- A text profile (debug=1) names no mapping, but says of each leaf `function+0xoffset`, and so where the function
-- began. An inlined leaf has the offset from another function: what most of the leaves say holds, if it is whole pages.
with

captures as (
    select * from stg_captures
),

samples as (
    select * from stg_profile_samples
),

stacks as (
    select * from stg_stacks
),

binaries as (
    select * from stg_binaries
),

functions as (
    select * from stg_binary_functions
),

started as (
    select distinct
        captures.build_id,
        samples.capture_id,
        stacks.functions[1] as function,
        samples.leaf_pc::hugeint - samples.leaf_offset as start_pc,
    from samples
    inner join captures using (capture_id)
    inner join stacks using (stack_id)
    where samples.leaf_offset is not null
),

movable as (
    select captures.build_id, binaries.capture_id,
    from binaries
    inner join captures using (capture_id)
    where binaries.is_pie
),

counted as (
    select
        started.build_id,
        started.capture_id,
        movable.capture_id as binary_capture_id,
        started.start_pc - functions.start_pc::hugeint as bias,
        count(*) as functions,
    from started
    inner join movable using (build_id)
    inner join functions
        on functions.capture_id = movable.capture_id
        and functions.function = started.function
    group by all
)

select
    build_id,
    capture_id,
    binary_capture_id,
    arg_max(bias, functions) as bias,
from counted
group by build_id, capture_id, binary_capture_id
having 2 * max(functions) > sum(functions)
    and arg_max(bias, functions) % 4096 = 0
