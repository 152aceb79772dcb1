-- Goroutines at the end of each run, by creator and state or by entry function, and leaked ones by where they wait.
-- grain: build_id, run_id, metric, function, state
-- scope: build
-- Of a goroutine that slept all the time, traces before Go 1.23 do not tell where it began: 'unknown'.
-- Of several profiles or traces of a process the last counts, as of dumps in goroutine_states.
with

captures as (
    select * from int_counted_captures
),

dumped as (
    select * from goroutine_states
),

dump_rows as (
    select * from stg_goroutine_dump
),

samples as (
    select * from stg_profile_samples
),

stacks as (
    select * from stg_stacks
),

sites as (
    select * from int_stack_sites
),

traced as (
    select * from stg_goroutines
),

last_ones as (
    select build_id, run_id, kind,
        arg_max(capture_id, (coalesce(captured_at, started_at), natural_order(path))) as capture_id,
    from captures
    where kind in (
        'goroutine', 'goroutine_text', 'goroutineleak', 'goroutineleak_text', 'goroutine_dump', 'trace', 'flight'
    )
    group by build_id, run_id, kind, process
),

counted as (
    select build_id, run_id, 'goroutine_count' as metric, 'goroutines' as measure, created_by as function,
        null as state, goroutine_count,
    from dumped
    union all
    select build_id, run_id, 'goroutine_state_count', 'goroutines', created_by, state, goroutine_count,
    from dumped
    union all
    select last_ones.build_id, last_ones.run_id, 'goroutine_profile_count', 'goroutine_profile',
        list_filter(stacks.functions, lambda f: f <> 'runtime.goexit')[-1], null, samples.value,
    from samples
    inner join last_ones using (capture_id)
    left join stacks using (stack_id)
    where samples.sample_type = 'goroutine' and last_ones.kind in ('goroutine', 'goroutine_text')
    union all
    select last_ones.build_id, last_ones.run_id, 'goroutine_leak_count', 'goroutineleak',
        coalesce(sites.function, 'no stack'), null,
        samples.value,
    from samples
    inner join last_ones using (capture_id)
    left join sites
        on sites.build_id = last_ones.build_id
        and sites.stack_id = samples.stack_id
    where samples.sample_type = 'goroutineleak'
    union all
    select last_ones.build_id, last_ones.run_id, 'dumped_leak_count', 'dumped_leaks',
        coalesce(sites.function, 'no stack'), null, 1,
    from dump_rows
    inner join last_ones using (capture_id)
    left join sites
        on sites.build_id = last_ones.build_id
        and sites.stack_id = dump_rows.stack_id
    where dump_rows.is_leaked
    union all
    select last_ones.build_id, last_ones.run_id, 'goroutine_live_count', 'trace',
        coalesce(traced.entry_function, 'unknown'), null, 1,
    from traced
    inner join last_ones using (capture_id)
    where traced.ended_ns is null
)

-- The first goroutine has no creator.
select build_id, run_id, metric, measure, coalesce(nullif(function, ''), 'the runtime') as function, state,
    sum(goroutine_count)::bigint as goroutine_count,
from counted
group by all
