-- The functions that lead to a site whose cost changed, up to three callers away; the site itself at distance 0.
-- grain: metric, first_subject, ordinal, caller
-- scope: history
-- Of call paths at the build of the change and at the one before, for at one of the two the site may be missing.
-- Farther out, what has nothing to do with each other has a caller in common. A caller through which only a part of
-- the site's cost goes says nothing of the whole: it may be flat while another caller's part rises.
with

history as (
    select * from regression_history
),

costs as (
    select build_id, metric, function, callers, value from int_site_costs
    union all
    select build_id, metric, function, callers, value from int_pooled_site_costs
),

changed as (
    select metric, measure, first_subject, ordinal, function, build_id, build_id_before,
    from (
        select *, lag(build_id) over (partition by metric, first_subject order by ordinal) as build_id_before,
        from history
        where metric in ('block_ns', 'mapassign_alloc_bytes', 'mapassign_inuse_bytes')
    )
    where is_change
),

seen as (
    select metric, measure, first_subject, ordinal, function, unnest([build_id, build_id_before]) as build_id,
    from changed
),

seen_paths as (
    select
        seen.metric,
        seen.measure,
        seen.first_subject,
        seen.ordinal,
        costs.callers,
        costs.function,
        sum(costs.value) as cost,
        sum(sum(costs.value)) over (partition by seen.metric, seen.first_subject, seen.ordinal) as site_cost,
    from seen
    inner join costs
        on costs.build_id = seen.build_id
        and costs.function = seen.function
        and costs.metric = seen.metric
    group by seen.metric, seen.measure, seen.first_subject, seen.ordinal, costs.callers, costs.function
),

nested as (
    select
        metric,
        measure,
        first_subject,
        ordinal,
        callers,
        cost,
        site_cost,
        unnest(list_prepend(function, callers[1:3])) as caller,
        generate_subscripts(list_prepend(function, callers[1:3]), 1) - 1 as distance,
    from seen_paths
),

-- A function that calls itself counts once.
reached as (
    select metric, measure, first_subject, ordinal, caller, callers, min(distance) as distance,
        any_value(cost) as cost, any_value(site_cost) as site_cost,
    from nested
    group by metric, measure, first_subject, ordinal, caller, callers
)

select metric, measure, first_subject, ordinal, caller, min(distance) as distance,
from reached
group by metric, measure, first_subject, ordinal, caller
having sum(cost) >= 0.95 * any_value(site_cost)
