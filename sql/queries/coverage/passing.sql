-- Builds at which figures were out of line for that build alone, with the one that was furthest out.
-- A change was claimed there until the next build took it back.
select build_id, metric, subject, unit, expected as before, value as after,
    count(*) over build as series_count,
from regression_history
where went_away and polarity <> 0
window build as (partition by ordinal)
qualify row_number() over (build order by abs(log_change) desc, metric, subject) = 1
order by ordinal
