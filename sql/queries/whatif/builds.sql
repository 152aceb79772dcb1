-- Of the builds, those chosen, the candidate as the last. Who names the builds to compare with gives their order too.
select * replace (
    row_number() over (order by build_id = $candidate, ordinal) as ordinal,
    is_ordered or $is_order_given as is_ordered
)
from published.main.builds
where build_id = $candidate or list_contains($chosen, build_id)
