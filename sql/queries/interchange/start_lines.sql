-- The line that each function of a build begins in, by its profiles or else by its binary.
with

told as (
    select named.function, max(named.start_line) as start_line,
    from named_addresses as named
    inner join captures using (capture_id)
    where captures.build_id = $build_id and named.start_line is not null
    group by named.function
),

first_lines as (
    select functions.function, min(lines.line) as start_line,
    from binary_functions as functions
    inner join binary_lines as lines using (capture_id, start_pc)
    inner join captures using (capture_id)
    where captures.build_id = $build_id
    group by functions.function
)

select coalesce(told.function, first_lines.function) as function,
    coalesce(told.start_line, first_lines.start_line) as start_line,
from told
full join first_lines using (function)
where coalesce(told.start_line, first_lines.start_line) > 0
