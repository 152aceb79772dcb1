-- The builds up to the candidate whose figures do not compare with those before them, and in which conditions.
select build_id, list_sort(list_distinct(flatten(list(differing)))) as conditions
from int_conditions
semi join regression_history using (build_id, measure)
where difference is not null and ordinal < $ordinal
group by build_id, ordinal
order by ordinal
