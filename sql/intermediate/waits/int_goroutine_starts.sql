-- Which function's goroutines each function starts, as traces and goroutine dumps show it.
-- grain: build_id, function, started_by
-- scope: build
-- function: where the goroutines begin.
with

captures as (
    select * from int_counted_captures
),

traced as (
    select * from stg_goroutines
),

dumped as (
    select * from stg_goroutine_dump
),

stacks as (
    select * from stg_stacks
),

starts as (
    select captures.build_id, traced.entry_function as function, stacks.functions[1] as started_by,
    from traced
    inner join captures using (capture_id)
    inner join stacks on stacks.stack_id = traced.creation_stack_id
    union all
    select captures.build_id, list_filter(stacks.functions, lambda f: f <> 'runtime.goexit')[-1], dumped.created_by,
    from dumped
    inner join captures using (capture_id)
    inner join stacks using (stack_id)
)

select distinct build_id, function, started_by,
from starts
where function is not null and started_by <> ''
