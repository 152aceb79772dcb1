-- Where goroutines stood when they were dumped, for what they waited and how long, and who started them.
-- grain: build_id, run_id, path_id, state, created_by
-- scope: build
-- Counts are of the last dump of each process of the run. Goroutines of one path that in one of the processes only
-- become more from dump to dump, and are more in the end, may be a leak: with two dumps a hint, with many a suspicion.
with

captures as (
    select * from stg_captures
),

processes as (
    select * from int_capture_processes
),

dumped as (
    select * from stg_goroutine_dump
),

sites as (
    select * from int_stack_sites
),

-- A dump bears no time: the order is that of the files' names.
dumps as (
    select
        captures.build_id,
        captures.run_id,
        coalesce(processes.process, '') as process,
        captures.capture_id,
        row_number() over process_dumps as dump,
        count(*) over (partition by captures.build_id, captures.run_id, processes.process) as dump_count,
    from captures
    inner join processes using (capture_id)
    -- A crash report counts no goroutines.
    where captures.kind = 'goroutine_dump'
    window process_dumps as (
        partition by captures.build_id, captures.run_id, processes.process
        order by captures.captured_at nulls last, natural_order(captures.path)
    )
),

goroutines as (
    select
        dumps.build_id,
        dumps.run_id,
        dumps.process,
        dumps.capture_id,
        sites.path_id,
        dumped.state,
        dumped.reason,
        dumped.created_by,
        dumped.wait_minutes,
        sites.function,
        sites.file,
        sites.line,
        sites.leaf_function,
        sites.callers,
    from dumped
    inner join dumps using (capture_id)
    left join sites
        on sites.build_id = dumps.build_id
        and sites.stack_id = dumped.stack_id
),

counted as (
    select
        build_id,
        run_id,
        process,
        capture_id,
        path_id,
        state,
        created_by,
        any_value(reason) as reason,
        any_value(function) as function,
        mode(file order by file, line) as file,
        mode(line order by file, line) as line,
        any_value(leaf_function) as leaf_function,
        any_value(callers) as callers,
        count(*) as goroutine_count,
        quantile_disc(coalesce(wait_minutes, 0), 0.5) as wait_p50_minutes,
        max(coalesce(wait_minutes, 0)) as wait_max_minutes,
    from goroutines
    group by build_id, run_id, process, capture_id, path_id, state, created_by
),

kinds as (
    select distinct build_id, run_id, process, path_id, state, created_by,
    from counted
),

-- A dump in which there is none of a kind counts none.
series as (
    select
        kinds.*,
        dumps.dump,
        dumps.dump_count,
        counted.* exclude (build_id, run_id, process, capture_id, path_id, state, created_by, goroutine_count),
        coalesce(counted.goroutine_count, 0) as goroutine_count,
    from kinds
    inner join dumps using (build_id, run_id, process)
    left join counted
        on counted.capture_id = dumps.capture_id
        and counted.path_id is not distinct from kinds.path_id
        and counted.state is not distinct from kinds.state
        and counted.created_by is not distinct from kinds.created_by
),

stepped as (
    select
        *,
        goroutine_count - lag(goroutine_count) over (
            partition by build_id, run_id, process, path_id, state, created_by
            order by dump
        ) as step,
    from series
),

by_process as (
    select
        build_id,
        run_id,
        process,
        path_id,
        state,
        created_by,
        any_value(reason) as reason,
        any_value(function) as function,
        arg_max(file, dump) as file,
        arg_max(line, dump) as line,
        any_value(leaf_function) as leaf_function,
        any_value(callers) as callers,
        arg_max(goroutine_count, dump) as goroutine_count,
        arg_min(goroutine_count, dump) as first_goroutine_count,
        max(goroutine_count) as max_goroutine_count,
        any_value(dump_count) as dump_count,
        max(dump_count) > 1
        and coalesce(min(step) >= 0, false)
        and arg_max(goroutine_count, dump) > arg_min(goroutine_count, dump) as is_growing,
        arg_max(wait_p50_minutes, dump) as wait_p50_minutes,
        arg_max(wait_max_minutes, dump) as wait_max_minutes,
    from stepped
    group by build_id, run_id, process, path_id, state, created_by
)

-- Of what is no sum, that of the process that has most of them.
select
    build_id,
    run_id,
    path_id,
    state,
    created_by,
    any_value(reason) as reason,
    any_value(function) as function,
    arg_max(file, goroutine_count) as file,
    arg_max(line, goroutine_count) as line,
    any_value(leaf_function) as leaf_function,
    any_value(callers) as callers,
    sum(goroutine_count)::bigint as goroutine_count,
    sum(first_goroutine_count)::bigint as first_goroutine_count,
    sum(max_goroutine_count)::bigint as max_goroutine_count,
    max(dump_count)::bigint as dump_count,
    bool_or(is_growing) as is_growing,
    arg_max(wait_p50_minutes, goroutine_count)::bigint as wait_p50_minutes,
    max(wait_max_minutes)::bigint as wait_max_minutes,
from by_process
group by build_id, run_id, path_id, state, created_by
