-- The earlier builds whose figures do not compare with the candidate's, and in which conditions they differ.
-- Without a count: all that came before the build. With one: so many, from the build on, that came between those that do.
with

conditions as (
    select * from int_conditions
    semi join regression_history using (build_id, measure)
),

candidate as (
    select measure, context from int_conditions where ordinal = $ordinal
),

earlier as (
    select conditions.*,
        conditions.context = candidate.context as compares,
        min(conditions.ordinal) filter (where compares) over (partition by conditions.measure) as since,
        last_value(conditions.differing ignore nulls) over (
            partition by conditions.measure order by conditions.ordinal
        ) as last_differing,
    from conditions
    inner join candidate using (measure)
    where conditions.ordinal < $ordinal
),

before as (
    select build_id, ordinal, list_sort(list_distinct(flatten(list(differing)))) as conditions,
    from earlier
    where difference is not null and (ordinal <= since or since is null)
    group by build_id, ordinal
),

between as (
    select build_id, ordinal, list_sort(list_distinct(flatten(list(last_differing)))) as conditions,
    from earlier
    where ordinal > since and not compares
    group by build_id, ordinal
)

select build_id, null as last_build_id, null as build_count, conditions, ordinal,
from before
union all
select arg_min(build_id, ordinal), arg_max(build_id, ordinal), count(*), conditions, min(ordinal),
from between
group by conditions
order by ordinal, build_count nulls first, conditions
