-- Distinct data races, by the user's functions whose accesses they are, in either order.
-- grain: build_id, run_id, metric, subject
-- scope: build
with

captures as (
    select * from int_counted_captures
),

races as (
    select * from stg_race_reports
),

sites as (
    select * from int_stack_sites
),

-- A map is read and written by the runtime: the functions that count are those that called it.
found as (
    select
        captures.build_id,
        captures.run_id,
        races.race_key,
        coalesce(sites.function, races.function, 'unknown') as one_function,
        coalesce(previous_sites.function, races.previous_function, 'unknown') as other_function,
    from races
    inner join captures using (capture_id)
    left join sites
        on sites.build_id = captures.build_id
        and sites.stack_id = races.stack_id
    left join sites as previous_sites
        on previous_sites.build_id = captures.build_id
        and previous_sites.stack_id = races.previous_stack_id
),

ordered as (
    select
        build_id,
        run_id,
        race_key,
        least(one_function, other_function) as function,
        greatest(one_function, other_function) as other_function,
    from found
)

select
    build_id,
    run_id,
    'race_count' as metric,
    if(function = other_function, function, function || ' (with ' || other_function || ')') as subject,
    function,
    if(function = other_function, null, 'with ' || other_function) as wait_reason,
    count(distinct race_key)::double as value,
    'race' as evidence,
from ordered
group by build_id, run_id, function, other_function
