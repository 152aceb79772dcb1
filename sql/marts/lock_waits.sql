-- Who waited for whose lock: contended waits by the line that waits and the line that ended the wait.
-- grain: build_id, function, file, line, wait_reason, holder_function, holder_file, holder_line
-- scope: view
with

waits as (
    select * from int_lock_waits
),

measures as (
    select * from int_build_measures where measure = 'trace'
)

select
    waits.build_id,
    waits.function,
    waits.file,
    waits.line,
    waits.wait_reason,
    waits.holder_function,
    waits.holder_file,
    waits.holder_line,
    waits.block_count,
    waits.block_ns,
    waits.p50_ns,
    waits.p99_ns,
    waits.max_ns,
    waits.block_count / measures.divisor as block_count_per_unit,
    waits.block_ns / measures.divisor as block_ns_per_unit,
    measures.per,
from waits
left join measures using (build_id)
