-- How long goroutines of a build ran for each second of CPU time, where it is so much longer than in all builds before it.
select
    max(loads.value) filter (where loads.build_id = $build_id) as here,
    min(loads.value) filter (where build_order.ordinal < candidate.ordinal) as least,
    max(loads.value) filter (where build_order.ordinal < candidate.ordinal) as most,
from int_build_loads as loads
inner join builds as build_order using (build_id)
cross join (from builds where build_id = $build_id) as candidate
where loads.measure = 'trace' and loads.condition = 'time on processors'
having here >= most * (select clock_ratio from detection_rules)
