-- How often each benchmark went around in a build, as it says itself: the median of its repeats.
-- grain: build_id, program, package, name
-- scope: build
with

captures as (
    select * from stg_captures
),

benchmarks as (
    select * from stg_benchmarks
),

programs as (
    select * from int_run_programs
),

lines as (
    select distinct captures.build_id, captures.run_id, benchmarks.capture_id, benchmarks.line, benchmarks.package, benchmarks.name,
        benchmarks.procs, benchmarks.iterations,
    from benchmarks
    inner join captures using (capture_id)
    where benchmarks.iterations > 0
)

select
    build_id,
    coalesce(program, '') as program,
    coalesce(package, '') as package,
    name || '-' || coalesce(procs, 1) as name,
    concat_ws('.', nullif(package, ''), 'Benchmark' || split_part(lines.name, '/', 1)) as benchmark,
    median(iterations)::double as iterations,
    min(iterations) as least,
    max(iterations) as most,
from lines
left join programs using (build_id, run_id)
group by all
