-- What may have got worse at a build: its own figures, and of the newest build what a look back finds.
with

suspected as (
    select h.metric, h.subject, h.unit, h.expected as before, h.value as after, h.q_value, null as since
    from regression_history as h
    cross join detection_rules as rules
    anti join regressions using (build_id, metric, subject)
    where h.build_id = $build_id
        and (len($metrics) = 0 or list_contains($metrics, h.metric))
        and h.q_value <= rules.suspected_share
        and h.polarity * h.log_change >= ln(1 + rules.least_ratio)
        and not h.is_change
    union all
    select h.metric, h.subject, h.unit, h.change_before, h.change_after, h.change_q_value, h.build_id
    from regression_history as h
    where h.may_change
        and (select arg_max(build_id, ordinal) from builds where is_ordered) = $build_id
        and (len($metrics) = 0 or list_contains($metrics, h.metric))
        and h.polarity * h.change_log_ratio > 0
)

-- Of a series that both say it of, what is surer.
select *
from suspected
qualify row_number() over (partition by metric, subject order by q_value, since nulls last) = 1
order by q_value, metric, subject
