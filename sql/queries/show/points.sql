-- The points of the series that lead the incidents.
select
    history.metric,
    history.first_subject,
    history.build_id,
    history.ordinal,
    history.value,
    history.unit,
    history.run_count,
    history.level_number,
    history.expected,
    history.expected_interval,
from regression_history as history
semi join (
    select distinct verdicts.metric, verdicts.first_subject,
    from regressions as verdicts
    where verdicts.is_lead
) using (metric, first_subject)
order by history.metric, history.first_subject, history.ordinal
