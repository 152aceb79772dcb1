-- What goroutines did beside waiting: ready without a processor, running, in system calls.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- Goroutines of the runtime itself are neither better nor worse.
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
),

stays as (
    select
        captures.build_id,
        captures.run_id,
        intervals.state,
        intervals.duration_ns,
        intervals.stack_id,
        goroutines.entry_function,
    from intervals
    inner join captures using (capture_id)
    left join goroutines
        on goroutines.capture_id = intervals.capture_id
        and goroutines.goroutine_id = intervals.goroutine_id
    where intervals.state in ('runnable', 'running', 'syscall')
),

entries as (
    select build_id, run_id, state || '_ns' as metric, coalesce(entry_function, 'unknown') as function,
        sum(duration_ns)::double as value, sqrt(sum(duration_ns::double * duration_ns)) as standard_error,
    from stays
    where state <> 'syscall'
    group by build_id, run_id, state, entry_function
),

latencies as (
    select build_id, run_id,
        quantile_disc(duration_ns, 0.5)::double as p50_ns, quantile_disc(duration_ns, 0.99)::double as p99_ns,
    from stays
    where state = 'runnable' and not starts_with(coalesce(entry_function, ''), 'runtime.')
    group by build_id, run_id
    having count(*) >= 100
),

calls as (
    select stays.build_id, stays.run_id, sites.function, sites.is_user_code, stays.duration_ns,
    from stays
    inner join sites
        on sites.build_id = stays.build_id
        and sites.stack_id = stays.stack_id
    where stays.state = 'syscall'
),

figures as (
    select build_id, run_id, metric, function as subject, function, value, standard_error,
        (not starts_with(function, 'runtime.') and function <> 'unknown')::int as polarity,
    from entries
    union all
    select build_id, run_id, 'runnable_p50_ns', 'program', null, p50_ns, null, 1,
    from latencies
    union all
    select build_id, run_id, 'runnable_p99_ns', 'program', null, p99_ns, null, 1,
    from latencies
    union all
    select build_id, run_id, 'syscall_ns', function, function, sum(duration_ns)::double,
        sqrt(sum(duration_ns::double * duration_ns)), bool_or(is_user_code)::int,
    from calls
    group by build_id, run_id, function
    union all
    select build_id, run_id, 'syscall_count', function, function, count(*)::double, sqrt(count(*)),
        bool_or(is_user_code)::int,
    from calls
    group by build_id, run_id, function
)

select build_id, run_id, metric, subject, function, value, standard_error, 'trace' as evidence, polarity,
from figures
