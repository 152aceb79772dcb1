-- CPU time of each function: flat, with the standard library that it calls, and with all that it calls.
-- grain: build_id, function
-- scope: view
with

figures as (
    select * from figures_cpu
    where function is not null
),

measures as (
    select * from int_build_measures where measure = 'cpu'
),

spent as (
    select
        build_id,
        function,
        coalesce(sum(value) filter (where metric = 'cpu_ns'), 0) as cpu_ns,
        coalesce(sum(value) filter (where metric = 'cpu_under_ns'), 0) as cpu_under_ns,
        bool_or(polarity = 1) as is_user_code,
    from figures
    group by build_id, function
)

-- What is no user code has no time of callers of its own.
select
    spent.build_id,
    spent.function,
    spent.is_user_code,
    spent.cpu_ns::bigint as cpu_ns,
    greatest(spent.cpu_ns, spent.cpu_under_ns)::bigint as cpu_under_ns,
    spent.cpu_ns / nullif(sum(spent.cpu_ns) over (partition by spent.build_id), 0) as cpu_share,
    spent.cpu_ns / measures.divisor as cpu_ns_per_unit,
    greatest(spent.cpu_ns, spent.cpu_under_ns) / measures.divisor as cpu_under_ns_per_unit,
    measures.per,
from spent
left join measures using (build_id)
