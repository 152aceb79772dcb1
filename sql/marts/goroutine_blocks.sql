-- Time that goroutines waited, by call path and reason.
-- grain: build_id, run_id, path_id, reason
-- scope: build
with

captures as (
    select * from int_counted_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

sites as (
    select * from int_stack_sites
),

waits as (
    select
        captures.build_id,
        captures.run_id,
        intervals.stack_id,
        coalesce(intervals.reason, 'unknown') as reason,
        intervals.duration_ns,
    from intervals
    inner join captures using (capture_id)
    where intervals.state = 'waiting'
)

-- A wait without a stack (one that began before the capture) has no path and no function.
select
    waits.build_id,
    waits.run_id,
    sites.path_id,
    waits.reason,
    any_value(sites.function) as function,
    arg_max(sites.file, waits.duration_ns) as file,
    arg_max(sites.line, waits.duration_ns) as line,
    any_value(sites.leaf_function) as leaf_function,
    any_value(sites.callers) as callers,
    count(*) as block_count,
    sum(waits.duration_ns)::bigint as block_ns,
    quantile_disc(waits.duration_ns, 0.5)::bigint as p50_ns,
    quantile_disc(waits.duration_ns, 0.99)::bigint as p99_ns,
    max(waits.duration_ns)::bigint as max_ns,
    sum(waits.duration_ns::hugeint * waits.duration_ns)::double as block_ns_variance,
from waits
left join sites
    on sites.build_id = waits.build_id
    and sites.stack_id = waits.stack_id
group by waits.build_id, waits.run_id, sites.path_id, waits.reason
