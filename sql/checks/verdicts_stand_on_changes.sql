-- A verdict is a change point that holds at the share that may be false, but for moves, other conditions and leaks.
-- A leak or a race needs no history: it is one from its first build on. What another load may explain is told again where it
-- lasts without it.
select verdicts.build_id, verdicts.metric, verdicts.subject, verdicts.status, verdicts.q_value,
from int_verdicts as verdicts
cross join detection_rules as rules
left join builds using (build_id)
left join int_load_differences as explained
    on explained.metric = verdicts.metric
    and explained.first_subject = verdicts.first_subject
    and explained.told_ordinal = builds.ordinal
left join regression_history as change
    on change.metric = verdicts.metric
    and change.build_id = verdicts.first_build_id
    and change.is_change
    and (change.found_ordinal = builds.ordinal or change.ordinal = explained.ordinal)
    and change.change_q_value is not distinct from verdicts.q_value
where verdicts.status not in ('moved', 'not_comparable')
    and not (verdicts.q_value is null and verdicts.metric in (select metric from metrics where is_fault))
    and (change.build_id is null or verdicts.q_value > rules.false_share)
