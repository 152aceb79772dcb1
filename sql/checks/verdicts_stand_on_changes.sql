-- A verdict is a change point that holds at the share that may be false, but for moves, other conditions and leaks.
-- A leak or a race needs no history: it is one from its first build on.
select regressions.build_id, regressions.metric, regressions.subject, regressions.status, regressions.q_value,
from regressions
cross join detection_rules as rules
left join builds using (build_id)
left join regression_history as change
    on change.metric = regressions.metric
    and change.build_id = regressions.first_build_id
    and change.is_change
    and change.found_ordinal = builds.ordinal
    and change.change_q_value is not distinct from regressions.q_value
where regressions.status not in ('moved', 'not_comparable')
    and not (regressions.q_value is null and regressions.metric in (select metric from metrics where is_fault))
    and (change.build_id is null or regressions.q_value > rules.false_share)
