-- The observations of the builds chosen, with one series of the candidate made worse.
select * replace (
    case
        when build_id = $candidate and metric = $metric and subject = $subject
            then case when polarity < 0 then value / $factor else value * $factor end
        else value
    end as value
)
from published.main.observations
where build_id = $candidate or list_contains($chosen, build_id)
