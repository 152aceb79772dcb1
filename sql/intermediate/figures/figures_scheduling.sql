-- What goroutines did beside waiting: ready without a processor, running, in system calls.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- Goroutines of the runtime itself are neither better nor worse. The intervals are read once for each kind of figure: named
-- once in a query they pass through it as a stream, named twice they are held in memory whole.
with

captures as (
    select * from int_counted_captures
),

stays as (
    select * from stg_goroutine_intervals
),

ready as (
    select * from stg_goroutine_intervals
),

calls as (
    select * from int_system_call_costs
),

goroutines as (
    select * from stg_goroutines
),

entries as (
    select captures.build_id, captures.run_id, stays.state || '_ns' as metric,
        coalesce(goroutines.entry_function, 'unknown') as function, sum(stays.duration_ns)::double as value,
        -- To the nanosecond: the last digit of a sum follows from the order of its rows.
        round(sqrt(sum(stays.duration_ns::double * stays.duration_ns))) as standard_error,
    from stays
    inner join captures using (capture_id)
    left join goroutines
        on goroutines.capture_id = stays.capture_id
        and goroutines.goroutine_id = stays.goroutine_id
    where stays.state in ('runnable', 'running')
    group by captures.build_id, captures.run_id, stays.state, goroutines.entry_function
),

quantiles as (
    select captures.build_id, captures.run_id, quantile_disc(ready.duration_ns, [0.5, 0.99]) as times,
    from ready
    inner join captures using (capture_id)
    left join goroutines
        on goroutines.capture_id = ready.capture_id
        and goroutines.goroutine_id = ready.goroutine_id
    where ready.state = 'runnable' and not starts_with(coalesce(goroutines.entry_function, ''), 'runtime.')
    group by captures.build_id, captures.run_id
    having count(*) >= 100
),

latencies as (
    select build_id, run_id, times[1]::double as p50_ns, times[2]::double as p99_ns,
    from quantiles
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
    select build_id, run_id, 'syscall_ns', function, function, sum(duration_ns),
        round(sqrt(sum(duration_squares))), bool_or(is_user_code)::int,
    from calls
    group by build_id, run_id, function
    union all
    select build_id, run_id, 'syscall_count', function, function, sum(call_count)::double, sqrt(sum(call_count)),
        bool_or(is_user_code)::int,
    from calls
    group by build_id, run_id, function
)

select build_id, run_id, metric, subject, function, value, standard_error, 'trace' as evidence, polarity,
from figures
