-- Which function's goroutines each function starts, as traces and goroutine dumps show it.
-- grain: build_id, function, started_by
-- scope: build
-- function: where the goroutines begin, or a function that runs in such goroutines and starts others: of more connections
-- there are more goroutines of all that each of them starts.
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
        stacks.functions[-1] as starter_began_in,
    from traced
    inner join captures using (capture_id)
    inner join stacks on stacks.stack_id = traced.creation_stack_id
    union
    select captures.build_id, list_filter(stacks.functions, lambda f: f <> 'runtime.goexit')[-1], dumped.created_by, null,
    from dumped
    inner join captures using (capture_id)
    inner join stacks using (stack_id)
)

select build_id, function, started_by,
from starts
where function is not null and started_by <> ''
union
select inner_starts.build_id, inner_starts.started_by, starts.started_by,
from starts as inner_starts
inner join starts
    on starts.build_id = inner_starts.build_id
    and starts.function = inner_starts.starter_began_in
where inner_starts.started_by <> starts.started_by and starts.started_by <> ''
