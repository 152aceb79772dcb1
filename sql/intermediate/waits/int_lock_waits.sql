-- Who waited for whom: contended waits by the line that waits and the line that ended the wait.
-- grain: build_id, function, file, line, wait_reason, holder_function, holder_file, holder_line
-- scope: build
-- Whoever unlocks wakes the next: the waker's stack is the holder's, at the end of its critical section.
with

captures as (
    select * from int_counted_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

kinds as (
    select * from int_wait_kinds
),

sites as (
    select * from int_stack_sites
)

select
    captures.build_id,
    kinds.function,
    waiters.file,
    waiters.line,
    kinds.wait_reason,
    holders.function as holder_function,
    holders.file as holder_file,
    holders.line as holder_line,
    count(*) as block_count,
    sum(intervals.duration_ns)::bigint as block_ns,
    quantile_disc(intervals.duration_ns, 0.5)::bigint as p50_ns,
    quantile_disc(intervals.duration_ns, 0.99)::bigint as p99_ns,
    max(intervals.duration_ns)::bigint as max_ns,
from intervals
inner join captures using (capture_id)
inner join kinds
    on kinds.build_id = captures.build_id
    and kinds.stack_id = intervals.stack_id
    and kinds.reason = coalesce(intervals.reason, 'unknown')
inner join sites as waiters
    on waiters.build_id = captures.build_id
    and waiters.stack_id = intervals.stack_id
left join sites as holders
    on holders.build_id = captures.build_id
    and holders.stack_id = intervals.waker_stack_id
where intervals.state = 'waiting' and kinds.is_contention and kinds.wait_reason <> 'GC mark assist wait for work'
group by all
