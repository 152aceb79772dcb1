-- Functions that were renamed or moved: one is gone at the very build where another appears in its place.
-- grain: new_function
-- scope: history
-- In its place: at the same cost, and among the same callers, or under the same bare name, or in the same package.
-- DuckDB's own: list_intersect over the callers.
with

observed as (
    select * from observations
),

build_order as (
    select * from builds
),

measures as (
    select * from int_run_measures
),

names as (
    select * from int_function_names
),

blocks as (
    select * from goroutine_blocks
),

allocations as (
    select * from mapassign_allocations
),

negligible as (
    select measure, median(negligible) as negligible,
    from measures
    where is_comparable
    group by measure
),

-- One figure each way round: waiting time and allocated bytes.
run_costs as (
    select
        build_order.ordinal,
        observed.run_id,
        observed.function,
        observed.metric,
        observed.measure,
        sum(observed.value) as value,
    from observed
    inner join build_order using (build_id)
    where observed.function is not null
        and observed.metric in ('block_ns', 'mapassign_alloc_bytes', 'makemap_alloc_bytes')
    group by all
),

costs as (
    select
        run_costs.ordinal,
        run_costs.function,
        run_costs.metric,
        median(ln(run_costs.value + negligible.negligible)) as log_cost,
        coalesce(var_samp(ln(run_costs.value + negligible.negligible)), 0) as variance,
        median(run_costs.value) > 2 * any_value(negligible.negligible) as is_real,
    from run_costs
    inner join negligible using (measure)
    group by run_costs.ordinal, run_costs.function, run_costs.metric
),

-- A sampled profile may miss a function once; only what is never seen again is gone.
lives as (
    select function, min(ordinal) as first_ordinal, max(ordinal) as last_ordinal,
    from costs
    group by function
),

traced as (
    select distinct build_order.ordinal
    from measures
    inner join build_order using (build_id)
),

successions as (
    select ordinal, lag(ordinal) over (order by ordinal) as ordinal_before,
    from traced
),

path_callers as (
    select build_id, function, unnest(callers) as caller,
    from blocks
    where function is not null
    union all
    select build_id, function, unnest(callers),
    from allocations
),

callers as (
    select build_order.ordinal, path_callers.function, list(distinct path_callers.caller) as callers,
    from path_callers
    inner join build_order using (build_id)
    group by build_order.ordinal, path_callers.function
),

-- As alike as the noise of their runs allows, but never by more than a factor of two.
pairs as (
    select
        successions.ordinal,
        gone.function as old_function,
        come.function as new_function,
        old_costs.metric,
        abs(new_costs.log_cost - old_costs.log_cost) as distance,
        least(ln(2), greatest(ln(1.25), 3 * sqrt(old_costs.variance + new_costs.variance))) as tolerance,
    from successions
    inner join lives as gone on gone.last_ordinal = successions.ordinal_before
    inner join lives as come on come.first_ordinal = successions.ordinal
    inner join costs as old_costs
        on old_costs.function = gone.function
        and old_costs.ordinal = successions.ordinal_before
    inner join costs as new_costs
        on new_costs.function = come.function
        and new_costs.ordinal = successions.ordinal
        and new_costs.metric = old_costs.metric
    where old_costs.is_real and new_costs.is_real
),

alike as (
    select
        ordinal,
        old_function,
        new_function,
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
        old_names.bare_name = new_names.bare_name as is_same_name,
        old_names.package = new_names.package as is_same_package,
    from alike
    inner join names as old_names on old_names.function = alike.old_function
    inner join names as new_names on new_names.function = alike.new_function
    inner join successions using (ordinal)
    left join callers as old_callers
        on old_callers.function = alike.old_function
        and old_callers.ordinal = successions.ordinal_before
    left join callers as new_callers
        on new_callers.function = alike.new_function
        and new_callers.ordinal = alike.ordinal
),

likely as (
    select
        *,
        shared_callers + is_same_name::int + 0.5 * is_same_package::int - distance as score,
    from scored
    where shared_callers >= 0.5 or is_same_name or is_same_package
),

best as (
    select
        *,
        row_number() over (partition by ordinal, old_function order by score desc, new_function) as old_choice,
        row_number() over (partition by ordinal, new_function order by score desc, old_function) as new_choice,
    from likely
)

select ordinal, old_function, new_function, alike_in, shared_callers, is_same_name, is_same_package,
from best
where old_choice = 1 and new_choice = 1
