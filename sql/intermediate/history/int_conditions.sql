-- Which builds' figures compare, and at which build what differed from all that came before.
-- grain: build_id, measure
-- scope: history
-- A condition that a build does not tell is taken to be as before. context is the same for builds that compare: a number
-- made of the conditions, the same in every stretch of a long history. Builds that come back to earlier conditions
-- compare with those of then, and differ in nothing.
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
),

placed as (
    select
        build_order.build_id,
        build_order.ordinal,
        measures.measure,
        boundaries.difference,
        boundaries.differing,
        count(boundaries.difference) over so_far as phase,
        last_value(boundaries.difference ignore nulls) over so_far as last_difference,
    from build_order
    cross join measures
    left join boundaries
        on boundaries.ordinal = build_order.ordinal
        and boundaries.measure = measures.measure
    window so_far as (partition by measures.measure order by build_order.ordinal rows unbounded preceding)
),

phases as (
    select measure, phase, min(ordinal) as first_ordinal, max(ordinal) as last_ordinal,
    from placed
    group by measure, phase
),

-- What the builds of a phase told, or those before, or else those after them.
known as (
    select phases.measure, phases.phase, named.condition, coalesce(compared.value, named.first_value) as value,
        coalesce(compared.ordinal >= phases.first_ordinal, false) as is_told,
    from phases
    inner join (
        select measure, condition, arg_min(value, ordinal) as first_value,
        from compared
        group by measure, condition
    ) as named using (measure)
    asof left join compared
        on compared.measure = phases.measure
        and compared.condition = named.condition
        and compared.ordinal <= phases.last_ordinal
),

-- Where builds tell their release, the format of traces follows from it.
contexts as (
    select
        phases.measure,
        phases.phase,
        phases.first_ordinal,
        (md5_number_lower(coalesce(string_agg(
            known.condition || ' ' || known.value, ', ' order by known.condition
        ) filter (
            where known.condition <> 'trace format' or releases.measure is null
        ), '')) >> 1)::bigint as context,
    from phases
    left join known using (measure, phase)
    left join (
        select measure, phase,
        from known
        where condition = 'Go version' and is_told
    ) as releases using (measure, phase)
    group by phases.measure, phases.phase, phases.first_ordinal
),

numbered as (
    select *, min(first_ordinal) over (partition by measure, context) as since,
    from contexts
)

select
    placed.build_id,
    placed.ordinal,
    placed.measure,
    numbered.context,
    if(placed.ordinal = numbered.since, placed.difference, null) as difference,
    placed.differing,
    placed.last_difference,
from placed
inner join numbered
    on numbered.measure = placed.measure
    and numbered.phase = placed.phase
