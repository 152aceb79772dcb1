-- The builds whose figures do not compare with those before them, and what differed.
select build_id, difference, list(measure order by measure) as measures
from int_conditions
semi join regression_history using (build_id, measure)
where difference is not null
group by build_id, ordinal, difference
order by ordinal, difference
