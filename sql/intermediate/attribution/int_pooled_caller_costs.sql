-- What other builds help to know of what each function's maps cost, with all that it calls.
-- grain: build_id, run_id, metric, caller
-- scope: history
with

costs as (
    select * from int_pooled_site_costs
),

-- A function that calls itself counts once.
nested as (
    select
        build_id,
        run_id,
        metric,
        unnest(list_distinct(list_prepend(function, callers))) as caller,
        value,
    from costs
)

select build_id, run_id, metric, caller, sum(value) as value,
from nested
group by build_id, run_id, metric, caller
