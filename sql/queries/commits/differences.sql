-- What two builds say of themselves and differ in beside their code: releases of Go, labels, what was measured under.
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
)

select condition, one.value as before, other.value as after,
from (select * from whole where build_id = $before) as one
full join (select * from whole where build_id = $after) as other using (condition)
where one.value is distinct from other.value
order by condition
