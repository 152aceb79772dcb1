-- What two builds say of themselves and differ in beside their code: releases of Go, labels, what was measured under.
-- And what their traces say that they did, where no build up to the first one did as much, or as little, to a tenth.
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
    select loads.unit, loads.value, build_order.build_id, build_order.ordinal,
    from int_build_loads as loads
    inner join builds as build_order using (build_id)
    where loads.measure = 'trace' and loads.condition = 'load'
),

loaded as (
    select here.unit, here.value, min(earlier.value) as least, max(earlier.value) as most,
    from loads as here
    inner join loads as earlier on earlier.unit = here.unit
    inner join builds as before on before.build_id = $before and earlier.ordinal <= before.ordinal
    where here.build_id = $after
    group by here.unit, here.value
)

select condition, one.value as before, other.value as after,
from (select * from whole where build_id = $before) as one
full join (select * from whole where build_id = $after) as other using (condition)
where one.value is distinct from other.value
union all
select 'work done' as condition, words[1] || if(most > least, ' to ' || words[2], ''), words[3] || ' ' || unit
from loaded
cross join lateral (
    select list_transform([least, most, value], lambda x: format(if(x < 100, '{:.3g}', '{:,.0f}'), x)) as words
)
cross join detection_rules as rules
where greatest(value / most, least / value) >= rules.least_load_ratio
order by condition
