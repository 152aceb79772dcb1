-- How long goroutines were ready and had no processor, by the function they began with and whose code made them ready.
-- grain: build_id, entry_function, function
-- scope: build
-- function: the waker's, or the goroutine's own where it yielded or was preempted; null where no code of the program's
-- did it, such as a timer.
with

captures as (
    select * from int_counted_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

goroutines as (
    select * from stg_goroutines
),

sites as (
    select * from int_stack_sites
)

select
    captures.build_id,
    coalesce(goroutines.entry_function, 'unknown') as entry_function,
    sites.function,
    count(*) as runnable_count,
    sum(intervals.duration_ns)::bigint as runnable_ns,
    quantile_disc(intervals.duration_ns, 0.5)::bigint as p50_ns,
    quantile_disc(intervals.duration_ns, 0.99)::bigint as p99_ns,
    max(intervals.duration_ns)::bigint as max_ns,
from intervals
inner join captures using (capture_id)
left join goroutines
    on goroutines.capture_id = intervals.capture_id
    and goroutines.goroutine_id = intervals.goroutine_id
left join sites
    on sites.build_id = captures.build_id
    and sites.stack_id = intervals.stack_id
where intervals.state = 'runnable'
group by captures.build_id, coalesce(goroutines.entry_function, 'unknown'), sites.function
