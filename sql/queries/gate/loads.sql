-- What the traces of a build show of a load (int_build_loads), and those of the builds before it, least and most.
select here, least, most, here >= most * load_ratio as is_far_more,
from (
    select
        max(loads.value) filter (where loads.build_id = $build_id) as here,
        min(loads.value) filter (where build_order.ordinal < candidate.ordinal) as least,
        max(loads.value) filter (where build_order.ordinal < candidate.ordinal) as most,
        any_value(loads.load_ratio) as load_ratio,
    from int_build_loads as loads
    inner join builds as build_order using (build_id)
    cross join (from builds where build_id = $build_id) as candidate
    where loads.measure = 'trace' and loads.condition = $condition and loads.is_counted = $is_counted
)
where here is not null and least is not null
