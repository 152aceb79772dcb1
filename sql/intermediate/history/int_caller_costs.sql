-- What each function cost with all that it calls: contention, and memory that map assignments allocated and keep.
-- grain: build_id, run_id, metric, caller
-- scope: build
with

costs as (
    select * from int_site_costs
),

-- A function that calls itself counts once.
nested as (
    select
        build_id,
        run_id,
        measure,
        metric,
        unnest(list_distinct(list_prepend(function, callers))) as caller,
        value,
    from costs
)

select build_id, run_id, metric, caller, any_value(measure) as measure, sum(value) as value,
from nested
group by build_id, run_id, metric, caller
