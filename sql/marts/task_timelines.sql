-- The slowest tasks of each name, ten a build: where each can be seen, and how it spent its time.
-- grain: build_id, capture_id, task_id
-- scope: view
-- DuckDB's own: unnest of structs.
with

times as (
    select * from int_span_times where slowest is not null
),

tasks as (
    select build_id, name, unnest(slowest, recursive := true),
    from times
)

select
    build_id,
    capture_id,
    task_id,
    name,
    run_id,
    goroutine_id,
    start_ns,
    duration_ns,
    running_ns,
    runnable_ns,
    waiting_ns,
    syscall_ns,
from tasks
