-- What two builds say of themselves and differ in beside their code: releases of Go, labels, what was measured under.
-- And what their traces say that they did and how long it ran, where no build up to the first one did, nearly.
with

said as (
    select build_id, 'Go' as condition, go_version as value,
    from builds
    union
    select build_id, condition, value,
    from int_condition_values
    where condition <> 'Go version'
        -- Where the release of Go is told, the format of its traces says nothing more.
        and (condition <> 'trace format' or build_id in (select build_id from builds where go_version is null))
    union
    select build_id, label.key, label.value,
    from (
        select build_id, unnest(map_entries(labels)) as label,
        from builds
    )
),

-- A condition may differ from source to source of figures.
whole as (
    select build_id, condition, string_agg(distinct value, ' and ' order by value) as value,
    from said
    where value <> ''
    group by build_id, condition
),

loads as (
    select if(loads.condition = 'load', 'work done', loads.condition) as condition, loads.unit, loads.value,
        build_order.build_id, build_order.ordinal,
        if(loads.condition = 'load', rules.least_load_ratio, rules.clock_ratio) as least_ratio,
    from int_build_loads as loads
    inner join builds as build_order using (build_id)
    cross join detection_rules as rules
    where loads.measure = 'trace' and loads.condition in ('load', 'time on processors')
),

loaded as (
    select here.condition, here.unit, here.value, here.least_ratio, min(earlier.value) as least, max(earlier.value) as most,
    from loads as here
    inner join loads as earlier using (condition, unit)
    inner join builds as before on before.build_id = $before and earlier.ordinal <= before.ordinal
    where here.build_id = $after
    group by here.condition, here.unit, here.value, here.least_ratio
)

select condition, one.value as before, other.value as after,
from (select * from whole where build_id = $before) as one
full join (select * from whole where build_id = $after) as other using (condition)
where one.value is distinct from other.value
union all
select condition, words[1] || if(most > least, ' to ' || words[2], ''), words[3] || ' ' || unit
from loaded
cross join lateral (
    select list_transform([least, most, value], lambda x: format(if(x < 100, '{:.3g}', '{:,.0f}'), x)) as words
)
where greatest(value / most, least / value) >= least_ratio
order by condition
