-- What two builds say they were measured under and differ in, for each source of figures.
select one.measure, string_agg(one.condition || ' ' || one.value || ' → ' || other.value, ', ' order by one.condition) as why,
    -- What follows from another toolchain.
    bool_and(one.condition in ('Go version', 'DefaultGODEBUG')) as is_toolchain,
from int_condition_values as one
inner join int_condition_values as other
    on other.measure = one.measure
    and other.condition = one.condition
where one.build_id = $before and other.build_id = $after and one.value <> '' and other.value <> '' and one.value <> other.value
group by one.measure
