-- Functions that were renamed or moved: one is gone at the very build where another appears in its place.
-- grain: new_function
-- scope: history
-- In its place: at the same cost, and among the same callers, or under the same bare name, or in the same package.
-- DuckDB's own: list_intersect over the callers.
with

observed as (
    select * from observations
),

described as (
    select * from int_metrics
),

build_order as (
    select * from builds
    where is_ordered
),

measures as (
    select * from int_run_measures
    where is_comparable
),

names as (
    select * from int_function_names
),

calls as (
    select * from int_user_calls
),

seen as (
    select * from int_functions_seen
),

programs as (
    select * from int_run_programs
),

floors as (
    select * from int_metric_floors
),

binaries as (
    select build_order.ordinal, names.functions,
    from int_binary_names as names
    inner join build_order using (build_id)
),

-- Waiting, allocated bytes, CPU time: a function that has none of them at a build is not there.
run_costs as (
    select
        build_order.ordinal,
        observed.run_id,
        coalesce(programs.program, '') as program,
        observed.function,
        described.measure,
        observed.metric,
        sum(observed.value) as value,
    from observed
    inner join described using (metric)
    left join programs
        on programs.build_id = observed.build_id
        and programs.run_id = observed.run_id
    semi join measures
        on measures.build_id = observed.build_id
        and measures.run_id = observed.run_id
        and measures.measure = described.measure
    inner join build_order
        on build_order.build_id = observed.build_id
    where observed.function is not null
        and observed.calling_function is null
        and observed.metric in ('block_ns', 'alloc_bytes', 'mapassign_alloc_bytes', 'makemap_alloc_bytes', 'cpu_ns')
    group by all
),

measured_runs as (
    select build_order.ordinal, measures.measure, coalesce(programs.program, '') as program,
        count(distinct measures.run_id) as run_count,
    from measures
    inner join build_order using (build_id)
    left join programs using (build_id, run_id)
    group by build_order.ordinal, measures.measure, coalesce(programs.program, '')
),

-- A sampled profile may miss a function once; only what is never seen again is gone. What costs nothing any more but
-- still calls what does is there.
lives as (
    select function, min(ordinal) as first_ordinal, max(ordinal) as last_ordinal,
    from (
        select ordinal, function from run_costs
        union all
        select build_order.ordinal, seen.function
        from seen
        inner join build_order using (build_id)
    )
    group by function
),

measured_lives as (
    select function, measure, min(ordinal) as first_ordinal, max(ordinal) as last_ordinal,
    from run_costs
    group by function, measure
),

-- Of each measure the builds that have it: another one may come in between that could not have shown the function.
successions as (
    select measure, ordinal, lag(ordinal) over (partition by measure order by ordinal) as ordinal_before,
    from (select distinct measure, ordinal from run_costs)
),

-- What is gone at a build, and what is new there.
ends as (
    select successions.measure, successions.ordinal, measured_lives.function, measured_lives.last_ordinal as seen_ordinal,
        false as is_new,
    from successions
    inner join measured_lives
        on measured_lives.measure = successions.measure
        and measured_lives.last_ordinal = successions.ordinal_before
    inner join lives
        on lives.function = measured_lives.function
        and lives.last_ordinal < successions.ordinal
    union all
    select successions.measure, successions.ordinal, measured_lives.function, successions.ordinal, true,
    from successions
    inner join measured_lives
        on measured_lives.measure = successions.measure
        and measured_lives.first_ordinal = successions.ordinal
    inner join lives
        on lives.function = measured_lives.function
        and lives.first_ordinal > successions.ordinal_before
),

-- In how many runs of a program what is gone or new has each of its costs.
counted_costs as (
    select *, count(*) over (partition by ordinal, program, function, metric) as seen_count,
    from run_costs
    semi join ends using (function)
),

costs as (
    select
        ends.ordinal,
        ends.seen_ordinal,
        ends.function,
        ends.is_new,
        run_costs.metric,
        median(ln(run_costs.value + floors.negligible)) as log_cost,
        coalesce(list_var_samp(list_sort(list(ln(run_costs.value + floors.negligible)))), 0) as variance,
        median(run_costs.value) > 2 * any_value(floors.negligible) as is_real,
    from ends
    inner join counted_costs as run_costs
        on run_costs.function = ends.function
        and run_costs.measure = ends.measure
        and run_costs.ordinal = ends.seen_ordinal
    inner join floors using (metric)
    inner join measured_runs
        on measured_runs.ordinal = ends.seen_ordinal
        and measured_runs.measure = ends.measure
        and measured_runs.program = run_costs.program
    group by ends.ordinal, ends.seen_ordinal, ends.function, ends.is_new, run_costs.metric
    -- What one run of a program misses a whole build may miss.
    having bool_and(run_costs.seen_count = measured_runs.run_count)
),

callers as (
    select ends.ordinal, ends.function, ends.is_new, list(distinct calls.calling_function) as callers,
    from ends
    inner join build_order on build_order.ordinal = ends.seen_ordinal
    inner join calls
        on calls.build_id = build_order.build_id
        and calls.function = ends.function
    group by ends.ordinal, ends.function, ends.is_new
),

-- As alike as the noise of their runs allows, but never by more than a factor of two.
pairs as (
    select
        gone.ordinal,
        gone.function as old_function,
        come.function as new_function,
        gone.seen_ordinal,
        gone.metric,
        abs(come.log_cost - gone.log_cost) as distance,
        least(ln(2), greatest(ln(1.25), 3 * sqrt(gone.variance + come.variance))) as tolerance,
    from costs as gone
    inner join costs as come
        on come.ordinal = gone.ordinal
        and come.metric = gone.metric
    where not gone.is_new
        and come.is_new
        and gone.is_real
        and come.is_real
),

alike as (
    select
        ordinal,
        old_function,
        new_function,
        max(seen_ordinal) as seen_ordinal,
        min(distance) as distance,
        string_agg(metric, ', ' order by metric) as alike_in,
    from pairs
    where distance <= tolerance
    group by ordinal, old_function, new_function
),

scored as (
    select
        alike.*,
        coalesce(
            len(list_intersect(old_callers.callers, new_callers.callers))
            / nullif(len(list_distinct(list_concat(old_callers.callers, new_callers.callers))), 0),
            0
        ) as shared_callers,
        coalesce(old_names.bare_name = new_names.bare_name, false) as is_same_name,
        old_names.package = new_names.package as is_same_package,
    from alike
    inner join names as old_names on old_names.function = alike.old_function
    inner join names as new_names on new_names.function = alike.new_function
    left join callers as old_callers
        on old_callers.function = alike.old_function
        and old_callers.ordinal = alike.ordinal
        and not old_callers.is_new
    left join callers as new_callers
        on new_callers.function = alike.new_function
        and new_callers.ordinal = alike.ordinal
        and new_callers.is_new
),

-- What the binary of the build before has already, or that of the build still has, was not renamed.
likely as (
    select
        scored.*,
        shared_callers + is_same_name::int + 0.5 * is_same_package::int - distance as score,
    from scored
    left join binaries as before on before.ordinal = scored.seen_ordinal
    left join binaries as here on here.ordinal = scored.ordinal
    where (shared_callers >= 0.5 or is_same_name or is_same_package)
        and not coalesce(
            list_contains(before.functions, (md5_number(scored.new_function) % 4294967296)::uinteger), false
        )
        and not coalesce(
            list_contains(here.functions, (md5_number(scored.old_function) % 4294967296)::uinteger), false
        )
),

best as (
    select
        *,
        row_number() over (partition by ordinal, old_function order by score desc, new_function) as old_choice,
        row_number() over (partition by ordinal, new_function order by score desc, old_function) as new_choice,
    from likely
)

-- Measures that not all builds have may show it at different builds.
select ordinal, old_function, new_function, alike_in, shared_callers, is_same_name, is_same_package,
from best
where old_choice = 1 and new_choice = 1
qualify row_number() over (partition by new_function order by ordinal) = 1
    and row_number() over (partition by old_function order by ordinal) = 1
