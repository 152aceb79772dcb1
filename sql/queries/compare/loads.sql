-- How much the runs of two builds had to do, where that may explain a change, for each source of figures.
select one.measure, one.condition, one.is_counted, one.is_per_second, ln(other.value / one.value) as log_difference,
    format('{} {:.3g} → {:.3g} {}', one.condition, one.value, other.value, one.unit) as why,
from int_build_loads as one
inner join int_build_loads as other
    on other.measure = one.measure
    and other.condition = one.condition
    and other.unit = one.unit
cross join detection_rules as rules
where one.build_id = $before and other.build_id = $after
    and (
        abs(ln(other.value / one.value)) >= ln(one.load_ratio)
        -- So many requests no run of the other build had, or so few: they explain what differs no more than they do.
        or one.condition = 'load' and not one.is_counted
            and greatest(other.least / one.most, one.least / other.most) >= rules.least_load_ratio
    )
