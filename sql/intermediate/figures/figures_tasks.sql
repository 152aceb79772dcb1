-- How long the program's own tasks and regions took, by name (runtime/trace.NewTask, StartRegion).
-- grain: build_id, run_id, metric, subject
-- scope: build
-- Of fewer than twenty that ended no percentile is taken.
with

captures as (
    select * from int_counted_captures
),

tasks as (
    select * from stg_trace_tasks
),

regions as (
    select * from stg_trace_regions
),

spans as (
    select captures.build_id, captures.run_id, 'task' as what, tasks.name, tasks.duration_ns,
    from tasks
    inner join captures using (capture_id)
    where tasks.is_complete
    union all
    select captures.build_id, captures.run_id, 'region', regions.name, regions.duration_ns,
    from regions
    inner join captures using (capture_id)
    where regions.is_complete
),

named as (
    select build_id, run_id, what, name, count(*) as span_count,
        quantile_disc(duration_ns, 0.5)::double as p50_ns, quantile_disc(duration_ns, 0.99)::double as p99_ns,
    from spans
    where name is not null
    group by build_id, run_id, what, name
),

figures as (
    select *, what || '_count' as metric, span_count::double as value, sqrt(span_count) as standard_error,
    from named
    union all by name
    select *, what || '_p50_ns' as metric, p50_ns as value, null as standard_error,
    from named
    where span_count >= 20
    union all by name
    select *, what || '_p99_ns' as metric, p99_ns as value, null as standard_error,
    from named
    where span_count >= 20
)

select build_id, run_id, metric, name as subject, value, standard_error, 'trace' as evidence,
from figures
