-- How many requests a second the traces of a build show, and how many those of the builds before it, least and most.
select
    max(loads.value) filter (where loads.build_id = $build_id) as here,
    min(loads.value) filter (where build_order.ordinal < candidate.ordinal) as least,
    max(loads.value) filter (where build_order.ordinal < candidate.ordinal) as most,
from int_build_loads as loads
inner join builds as build_order using (build_id)
cross join (from builds where build_id = $build_id) as candidate
where loads.measure = 'trace' and loads.condition = 'load' and not loads.is_counted
having here is not null and least is not null
