-- How goroutines of an entry function, tasks and regions of a name spent their time, by state; and the slowest tasks.
-- grain: build_id, span_kind, name, state
-- scope: build
-- A task is its own goroutine from its start to its end, and its outermost regions on other goroutines. A span's time
-- in a state is the difference of two sums since the goroutine's first interval: nothing is joined by overlap.
-- DuckDB's own: asof join, arg_max with a count, structs.
with

captures as (
    select * from int_counted_captures
),

-- Twice: what is named once is read as a stream, what is named twice is held in memory whole.
intervals as (
    select * from stg_goroutine_intervals
),

stays as (
    select * from stg_goroutine_intervals
),

goroutines as (
    select * from stg_goroutines
),

tasks as (
    select * from stg_trace_tasks where is_complete and name is not null
),

regions as (
    select * from stg_trace_regions where is_complete and name is not null
),

outermost as (
    select capture_id, goroutine_id, task_id, min(nesting) as nesting,
    from regions
    where task_id > 0
    group by capture_id, goroutine_id, task_id
),

-- Pieces of goroutines' time: span_id tells the task or region that a piece belongs to.
pieces as (
    select capture_id, 'task' as span_kind, name, task_id as span_id, goroutine_id, start_ns,
        start_ns + duration_ns as end_ns,
    from tasks
    union all
    select regions.capture_id, 'task', tasks.name, regions.task_id, regions.goroutine_id, regions.start_ns,
        regions.start_ns + regions.duration_ns,
    from regions
    inner join outermost using (capture_id, goroutine_id, task_id, nesting)
    inner join tasks
        on tasks.capture_id = regions.capture_id
        and tasks.task_id = regions.task_id
        and tasks.goroutine_id <> regions.goroutine_id
    union all
    select capture_id, 'region', name,
        row_number() over (partition by capture_id order by goroutine_id, start_ns, nesting),
        goroutine_id, start_ns, start_ns + duration_ns,
    from regions
),

clocked as (
    select
        capture_id,
        goroutine_id,
        start_ns,
        duration_ns,
        state,
        sum(if(state = 'running', duration_ns, 0)) over earlier as running_ns,
        sum(if(state = 'runnable', duration_ns, 0)) over earlier as runnable_ns,
        sum(if(state = 'waiting', duration_ns, 0)) over earlier as waiting_ns,
        sum(if(state = 'syscall', duration_ns, 0)) over earlier as syscall_ns,
    from intervals
    semi join pieces using (capture_id, goroutine_id)
    window earlier as (
        partition by capture_id, goroutine_id
        order by start_ns
        rows between unbounded preceding and 1 preceding
    )
),

-- A piece's end counts what was before it, its start takes away what was before that.
ends as (
    select capture_id, span_kind, span_id, goroutine_id, end_ns as ts_ns, 1 as sign from pieces
    union all
    select capture_id, span_kind, span_id, goroutine_id, start_ns, -1 from pieces
),

read_off as (
    select
        ends.capture_id,
        ends.span_kind,
        ends.span_id,
        ends.sign,
        clocked.state,
        least(ends.ts_ns - clocked.start_ns, clocked.duration_ns) as since_ns,
        coalesce(clocked.running_ns, 0) as running_ns,
        coalesce(clocked.runnable_ns, 0) as runnable_ns,
        coalesce(clocked.waiting_ns, 0) as waiting_ns,
        coalesce(clocked.syscall_ns, 0) as syscall_ns,
    from ends
    asof join clocked
        on clocked.capture_id = ends.capture_id
        and clocked.goroutine_id = ends.goroutine_id
        and clocked.start_ns <= ends.ts_ns
),

summed as (
    select
        capture_id,
        span_kind,
        span_id,
        sum(sign * (running_ns + if(state = 'running', since_ns, 0))) as running_ns,
        sum(sign * (runnable_ns + if(state = 'runnable', since_ns, 0))) as runnable_ns,
        sum(sign * (waiting_ns + if(state = 'waiting', since_ns, 0))) as waiting_ns,
        sum(sign * (syscall_ns + if(state = 'syscall', since_ns, 0))) as syscall_ns,
    from read_off
    group by capture_id, span_kind, span_id
),

lasted as (
    select capture_id, span_kind, span_id, any_value(name) as name, min(start_ns) as start_ns,
        max(end_ns) - min(start_ns) as duration_ns,
        arg_min(goroutine_id, start_ns) as goroutine_id,
    from pieces
    group by capture_id, span_kind, span_id
),

spans as (
    select captures.build_id, captures.run_id, lasted.*,
        coalesce(summed.running_ns, 0) as running_ns,
        coalesce(summed.runnable_ns, 0) as runnable_ns,
        coalesce(summed.waiting_ns, 0) as waiting_ns,
        coalesce(summed.syscall_ns, 0) as syscall_ns,
    from lasted
    inner join captures using (capture_id)
    left join summed using (capture_id, span_kind, span_id)
    union all by name
    select
        captures.build_id,
        'goroutine' as span_kind,
        coalesce(goroutines.entry_function, 'unknown') as name,
        sum(stays.duration_ns) as duration_ns,
        sum(if(stays.state = 'running', stays.duration_ns, 0)) as running_ns,
        sum(if(stays.state = 'runnable', stays.duration_ns, 0)) as runnable_ns,
        sum(if(stays.state = 'waiting', stays.duration_ns, 0)) as waiting_ns,
        sum(if(stays.state = 'syscall', stays.duration_ns, 0)) as syscall_ns,
    from stays
    inner join captures using (capture_id)
    left join goroutines
        on goroutines.capture_id = stays.capture_id
        and goroutines.goroutine_id = stays.goroutine_id
    group by captures.build_id, stays.capture_id, stays.goroutine_id, goroutines.entry_function
),

distributed as (
    select
        build_id,
        span_kind,
        name,
        count(*) as span_count,
        unnest([
            {
                'state': 'total', 'total_ns': sum(duration_ns)::bigint, 'max_ns': max(duration_ns)::bigint,
                'quantiles': quantile_disc(duration_ns, [0.5, 0.99])
            },
            {
                'state': 'running', 'total_ns': sum(running_ns)::bigint, 'max_ns': max(running_ns)::bigint,
                'quantiles': quantile_disc(running_ns, [0.5, 0.99])
            },
            {
                'state': 'runnable', 'total_ns': sum(runnable_ns)::bigint, 'max_ns': max(runnable_ns)::bigint,
                'quantiles': quantile_disc(runnable_ns, [0.5, 0.99])
            },
            {
                'state': 'waiting', 'total_ns': sum(waiting_ns)::bigint, 'max_ns': max(waiting_ns)::bigint,
                'quantiles': quantile_disc(waiting_ns, [0.5, 0.99])
            },
            {
                'state': 'syscall', 'total_ns': sum(syscall_ns)::bigint, 'max_ns': max(syscall_ns)::bigint,
                'quantiles': quantile_disc(syscall_ns, [0.5, 0.99])
            }
        ], recursive := true),
    from spans
    group by build_id, span_kind, name
),

slowest as (
    select
        build_id,
        span_kind,
        name,
        'total' as state,
        arg_max({
            'capture_id': capture_id, 'run_id': run_id, 'task_id': span_id, 'goroutine_id': goroutine_id,
            'start_ns': start_ns, 'duration_ns': duration_ns::bigint, 'running_ns': running_ns::bigint,
            'runnable_ns': runnable_ns::bigint, 'waiting_ns': waiting_ns::bigint, 'syscall_ns': syscall_ns::bigint
        }, row(duration_ns, capture_id, span_id), 10) as slowest,
    from spans
    where span_kind = 'task'
    group by build_id, span_kind, name
)

select
    distributed.build_id,
    distributed.span_kind,
    distributed.name,
    distributed.state,
    distributed.span_count,
    distributed.total_ns,
    round(distributed.total_ns / distributed.span_count)::bigint as mean_ns,
    distributed.quantiles[1]::bigint as p50_ns,
    distributed.quantiles[2]::bigint as p99_ns,
    distributed.max_ns,
    slowest.slowest,
from distributed
left join slowest using (build_id, span_kind, name, state)
