-- What two builds say they were measured under and differ in, for each source of figures.
select one.measure, string_agg(one.condition || ' ' || one.value || ' → ' || other.value, ', ' order by one.condition) as why,
    -- What follows from another toolchain.
    bool_and(one.condition in ('Go version', 'DefaultGODEBUG', 'trace format')) as is_toolchain,
from int_condition_values as one
inner join int_condition_values as other
    on other.measure = one.measure
    and other.condition = one.condition
where one.build_id = $before and other.build_id = $after and one.value <> '' and other.value <> '' and one.value <> other.value
    -- Where both tell their release of Go, the format of their traces says nothing more.
    and (one.condition <> 'trace format' or 2 > (
        select count(go_version) from builds where build_id in ($before, $after)
    ))
group by one.measure
