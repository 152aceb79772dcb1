-- The functions that lead to a site whose cost changed, up to three callers away; the site itself at distance 0.
-- grain: metric, first_subject, ordinal, caller
-- scope: history
-- Of call paths at the build of the change and at the one before, for at one of the two the site may be missing.
-- Farther out, what has nothing to do with each other has a caller in common. A caller through which only a part of
-- the site's cost goes says nothing of the whole: it may be flat while another caller's part rises. Nor does one of which no
-- sum is made: profiles have those of the program's own functions. Of what an operation of a benchmark costs, callers are
-- those below that benchmark.
with

history as not materialized (
    select * from regression_history
),

changing as (
    select distinct metric, first_subject,
    from history
    where is_change
        and (calling_function is null or measure in ('benchmark_cpu', 'benchmark_alloc'))
),

changed as (
    select metric, measure, first_subject, ordinal, function, calling_function, build_id, build_id_before,
    from (
        select *, lag(build_id) over (partition by metric, first_subject order by ordinal) as build_id_before,
        from history
        semi join changing using (metric, first_subject)
    )
    where is_change
),

seen as (
    select metric, measure, first_subject, ordinal, function, calling_function,
        unnest([build_id, build_id_before]) as build_id,
    from changed
),

-- Of the builds that are asked for, so that others are not taken apart.
paths as not materialized (
    select * from int_stack_costs
    semi join seen using (build_id)
    where metric in ('alloc_bytes', 'inuse_bytes', 'cpu_ns', 'mutex_delay_ns', 'syscall_ns')
        or (metric = 'block_delay_ns' and is_contention)
),

-- With each benchmark, and with all together.
operation_paths as (
    select costs.build_id, costs.metric, sites.function, costs.benchmark,
        sites.user_functions[list_position(sites.user_functions, sites.function) + 1 :] as callers,
        list_sum(list_sort(list(costs.value))) as value,
    from int_benchmark_costs as costs
    semi join seen using (build_id)
    inner join int_stack_sites as sites
        on sites.build_id = costs.build_id
        and sites.stack_id = costs.stack_id
    group by all
),

costs as (
    select build_id, metric, function, callers, value from operation_paths
    union all
    select build_id, metric, function, callers, value from int_site_costs
    union all
    select build_id, metric, function, callers, value from int_pooled_site_costs
    union all
    select build_id, metric, function, functions[list_position(functions, function) + 1 :], value from paths
    union all
    select
        build_id,
        case metric
            when 'alloc_bytes' then 'alloc_objects'
            when 'inuse_bytes' then 'inuse_objects'
            when 'syscall_ns' then 'syscall_count'
            else replace(metric, 'delay_ns', 'contentions')
        end,
        function,
        functions[list_position(functions, function) + 1 :],
        event_count::double,
    from paths
    where metric <> 'cpu_ns'
),

sums as (
    select distinct metric, caller from int_caller_costs
    union all
    select distinct 'cpu_under_ns', caller from int_caller_costs
    where metric = 'cpu_ns'
    union all
    select distinct metric, caller from int_pooled_caller_costs
    union all
    select distinct metric, function from int_benchmark_sums
    where is_with_all_below
),

-- With all that a function calls, it stands anywhere in the paths.
seen_costs as (
    select seen.metric, seen.measure, seen.first_subject, seen.ordinal, seen.function, costs.callers, costs.value,
    from seen
    inner join costs
        on costs.build_id = seen.build_id
        and costs.function = seen.function
        and costs.metric = seen.metric
    where seen.calling_function is null
    union all
    select seen.metric, seen.measure, seen.first_subject, seen.ordinal, seen.function,
        paths.functions[list_position(paths.functions, seen.function) + 1 :], paths.value,
    from seen
    inner join paths
        on paths.build_id = seen.build_id
        and paths.metric = 'cpu_ns'
        and list_contains(paths.functions, seen.function)
    where seen.metric = 'cpu_under_ns'
    union all
    select seen.metric, seen.measure, seen.first_subject, seen.ordinal, seen.function || ' from ' || paths.benchmark,
        list_transform(paths.callers, lambda f: f || ' from ' || paths.benchmark), paths.value,
    from seen
    inner join operation_paths as paths
        on paths.build_id = seen.build_id
        and paths.metric = seen.metric
        and paths.function = seen.function
        and paths.benchmark = seen.calling_function
),

seen_paths as (
    select
        metric,
        measure,
        first_subject,
        ordinal,
        callers,
        function,
        sum(value) as cost,
        sum(sum(value)) over (partition by metric, first_subject, ordinal) as site_cost,
    from seen_costs
    group by metric, measure, first_subject, ordinal, callers, function
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
semi join sums using (metric, caller)
group by metric, measure, first_subject, ordinal, caller
having sum(cost) >= 0.95 * any_value(site_cost)
