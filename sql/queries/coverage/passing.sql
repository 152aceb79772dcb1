-- Builds at which figures were out of line for that build alone, with the one that was furthest out.
-- A change was claimed there until the next build took it back.
select
    build_id,
    count(*) as series_count,
    arg_max(metric, abs(log_change)) as metric,
    arg_max(subject, abs(log_change)) as subject,
    arg_max(unit, abs(log_change)) as unit,
    arg_max(expected, abs(log_change)) as before,
    arg_max(value, abs(log_change)) as after,
from regression_history
where went_away and polarity <> 0
group by build_id, ordinal
order by ordinal
