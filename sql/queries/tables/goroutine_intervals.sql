-- What each goroutine did when: one row for each stay in a state, from the cycles that are stored.
-- The parts of a cycle follow each other without a gap. What a cycle says of reason, stack and waker is its first
-- part's; a wake-up has the waker's stack, and where a goroutine only goes on running there is none.
-- A query on one state reads that part alone.
select
    capture_id,
    goroutine_id,
    end_ns - coalesce(running_ns, 0) - coalesce(runnable_ns, 0) - waiting_ns as start_ns,
    'waiting' as state,
    reason,
    waiting_ns as duration_ns,
    is_complete,
    stack_id,
    waker_goroutine_id,
    waker_stack_id,
    null::bigint as proc_id,
    null::bigint as thread_id,
from goroutine_cycles
where waiting_ns is not null
union all
select
    capture_id,
    goroutine_id,
    end_ns - coalesce(running_ns, 0) - coalesce(runnable_ns, 0) - syscall_ns,
    'syscall',
    reason,
    syscall_ns,
    is_complete,
    stack_id,
    waker_goroutine_id,
    waker_stack_id,
    proc_id,
    thread_id,
from goroutine_cycles
where syscall_ns is not null
union all
select
    capture_id,
    goroutine_id,
    end_ns - coalesce(running_ns, 0) - runnable_ns,
    'runnable',
    case when coalesce(waiting_ns, syscall_ns) is null then reason end,
    runnable_ns,
    is_complete,
    case when coalesce(waiting_ns, syscall_ns) is null then stack_id else waker_stack_id end,
    case when coalesce(waiting_ns, syscall_ns) is null then waker_goroutine_id end,
    case when coalesce(waiting_ns, syscall_ns) is null then waker_stack_id end,
    null::bigint,
    null::bigint,
from goroutine_cycles
where runnable_ns is not null
union all
select
    capture_id,
    goroutine_id,
    end_ns - running_ns,
    'running',
    case when coalesce(waiting_ns, syscall_ns, runnable_ns) is null then reason end,
    running_ns,
    is_complete,
    case when coalesce(waiting_ns, syscall_ns, runnable_ns) is null then stack_id end,
    case when coalesce(waiting_ns, syscall_ns, runnable_ns) is null then waker_goroutine_id end,
    case when coalesce(waiting_ns, syscall_ns, runnable_ns) is null then waker_stack_id end,
    proc_id,
    thread_id,
from goroutine_cycles
where running_ns is not null
