-- The points of every series that leads an incident.
select
    h.metric,
    h.first_subject,
    h.subject,
    h.build_id,
    h.unit,
    h.value,
    h.run_count,
    h.expected,
    h.expected_interval,
from regression_history as h
semi join (
    select metric, first_subject
    from regression_history
    semi join (select build_id, metric, subject from regressions where is_lead) using (build_id, metric, subject)
) using (metric, first_subject)
order by metric, first_subject, ordinal
