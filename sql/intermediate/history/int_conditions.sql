-- Stretches of builds whose figures compare, and at which build what differed from the one before.
-- grain: build_id, measure
-- scope: history
-- A condition that a build does not tell is taken to be as before.
with

build_order as (
    select * from builds
    where is_ordered
),

conditions as (
    select * from int_condition_values
),

measures as (
    select distinct measure from int_run_measures
),

compared as (
    select build_order.ordinal, conditions.measure, conditions.condition, conditions.value,
        lag(conditions.value) over earlier as value_before,
        lag(build_order.ordinal) over earlier as ordinal_before,
    from conditions
    inner join build_order using (build_id)
    where conditions.value <> ''
    window earlier as (partition by conditions.measure, conditions.condition order by build_order.ordinal)
),

differing as (
    select * from compared
    where value <> value_before
),

-- That traces have another format follows from another release of Go, which says it better.
told as (
    select * from differing
    where condition <> 'trace format'
        or not exists (
            select 1
            from differing as release
            where release.condition = 'Go version'
                and release.measure = differing.measure
                and release.ordinal > differing.ordinal_before
                and release.ordinal <= differing.ordinal
        )
),

boundaries as (
    select
        ordinal,
        measure,
        string_agg(condition || ' ' || value_before || ' → ' || value, ', ' order by condition) as difference,
        list(condition order by condition) as differing,
    from told
    group by ordinal, measure
)

select
    build_order.build_id,
    build_order.ordinal,
    measures.measure,
    boundaries.difference,
    boundaries.differing,
    count(boundaries.difference) over so_far as context,
    last_value(boundaries.difference ignore nulls) over so_far as last_difference,
from build_order
cross join measures
left join boundaries
    on boundaries.ordinal = build_order.ordinal
    and boundaries.measure = measures.measure
window so_far as (partition by measures.measure order by build_order.ordinal rows unbounded preceding)
