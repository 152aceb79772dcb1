-- Where a function stands in the code: the line of it that costs most, of any metric with call paths.
-- grain: build_id, function
-- scope: view
-- Of a function that only calls what costs it is the line of the call.
-- A mutex profile is left out: its lines are those that let go of a lock.
-- file: in the repository, without the module's name before it; null for a file of another module.
with

paths as (
    select * from int_stack_costs
),

modules as (
    select build_id, module from builds
),

frames as (
    select build_id, metric, function as innermost, value, unnest(functions) as function, unnest(files) as file,
        unnest(lines) as line,
    from paths
    where metric <> 'mutex_delay_ns'
),

lines as (
    select build_id, metric, function, file, line, function = innermost as is_innermost, sum(value) as value,
    from frames
    group by all
),

-- Costs of several metrics have shares in common, not units.
shares as (
    select *, value / nullif(sum(value) over (partition by build_id, metric), 0) as share,
    from lines
    where file is not null
),

places as (
    select build_id, function,
        arg_max(file, (is_innermost, share, line)) as file,
        arg_max(line, (is_innermost, share, line)) as line,
    from shares
    group by build_id, function
)

select
    places.build_id,
    places.function,
    case
        when modules.module is null or starts_with(places.file, '/') then places.file
        when starts_with(places.file, modules.module || '/') then substr(places.file, len(modules.module) + 2)
    end as file,
    places.line,
from places
inner join modules using (build_id)
