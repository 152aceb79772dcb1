-- Of the builds, those chosen, the candidate as the last.
select * replace (row_number() over (order by build_id = $candidate, ordinal) as ordinal)
from published.main.builds
where build_id = $candidate or list_contains($chosen, build_id)
