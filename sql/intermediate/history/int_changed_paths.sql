-- Through which functions the costs of functions that changed go, and whether these changed as much.
-- grain: origin_build_id, function, outer_function
-- scope: history
-- least_part: of whatever the inner function costs, the smallest part that goes through the outer one. frames_out: how many
-- frames out from the inner one that is, at least. is_as_much: with all that it calls the outer one takes more CPU time, or
-- less, and the logarithms of both changes are within three fifths of each other. Where that is so of two functions nearly
-- all of whose costs go through the outer one, what runs it more often has changed, and neither of them. Two changes of
-- their own below one function are not taken for one: that function changes less than either. How much the outer one
-- changed is told by the build where it begins, certain or not: the inner ones are. is_narrow: of the user's functions at
-- most a quarter are ever reached through the outer one, as of one handler of many: what changes below it at one build has
-- most likely one cause.
with

verdicts as (
    select * from int_verdicts
),

described as (
    select * from int_metrics
),

history as (
    select * from regression_history
),

paths as (
    select * from int_stack_costs
),

seen as (
    select * from int_functions_seen
),

changed as (
    select verdicts.first_build_id as origin_build_id, verdicts.function, described.place, verdicts.metric,
        ln((verdicts.after + verdicts.negligible) / (verdicts.before + verdicts.negligible)) as log_ratio,
    from verdicts
    inner join described using (metric)
    where verdicts.function is not null and verdicts.status in ('regressed', 'improved')
),

sites as (
    select * from changed
    where place = 'site'
),

outers as (
    select origin_build_id, function, log_ratio,
    from changed
    where metric = 'cpu_under_ns'
    union all
    select build_id, function, ln((value + negligible) / (expected + negligible)) as log_ratio,
    from history
    where metric = 'cpu_under_ns'
        and build_id in (select origin_build_id from sites)
),

-- What is gone since is seen before.
costs as (
    select build_id, metric, function, functions, value,
        sum(value) over (partition by build_id, metric, function) as value_of_function,
    from paths
    semi join sites
        on sites.origin_build_id = paths.build_id
        and sites.function = paths.function
    where value > 0
),

counts as (
    select build_id, function, count(distinct metric) as metric_count,
    from costs
    group by build_id, function
),

through as (
    select build_id, metric, function, functions, value, value_of_function,
        unnest(list_distinct(functions)) as outer_function,
    from costs
),

parts as (
    select build_id, metric, function, outer_function, sum(value) / any_value(value_of_function) as part,
        min(list_position(functions, outer_function)) as frames_out,
    from through
    where outer_function <> function
    group by build_id, metric, function, outer_function
),

reached as (
    select parts.build_id as origin_build_id, parts.function, parts.outer_function,
        if(count(*) = any_value(counts.metric_count), min(parts.part), 0) as least_part,
        min(parts.frames_out) as frames_out,
    from parts
    inner join counts using (build_id, function)
    group by parts.build_id, parts.function, parts.outer_function
),

-- Of how many of the user's functions costs are known, and of how many of these through each that calls them.
user_paths as (
    select distinct build_id, function, functions,
    from paths
    semi join seen using (build_id, function)
    semi join sites on sites.origin_build_id = paths.build_id
),

totals as (
    select build_id, count(distinct function) as function_count,
    from user_paths
    group by build_id
),

reaches as (
    select build_id, outer_function, count(distinct function) as function_count,
    from (
        select build_id, function, unnest(functions) as outer_function,
        from user_paths
    )
    semi join parts using (build_id, outer_function)
    group by build_id, outer_function
),

narrow as (
    select reaches.build_id as origin_build_id, reaches.outer_function,
    from reaches
    inner join totals using (build_id)
    where reaches.function_count <= 0.25 * totals.function_count
),

as_much as (
    select distinct reached.origin_build_id, reached.function, reached.outer_function,
    from reached
    inner join sites using (origin_build_id, function)
    inner join outers
        on outers.origin_build_id = reached.origin_build_id
        and outers.function = reached.outer_function
    where sites.log_ratio / outers.log_ratio between 0.6 and 1 / 0.6
)

select reached.*, as_much.function is not null as is_as_much, narrow.outer_function is not null as is_narrow,
from reached
left join as_much using (origin_build_id, function, outer_function)
left join narrow using (origin_build_id, outer_function)
