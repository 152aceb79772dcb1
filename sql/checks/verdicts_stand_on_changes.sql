-- A verdict is a change point that holds at 1 %, or a move that is none.
select regressions.build_id, regressions.metric, regressions.subject, regressions.status, regressions.q_value,
from regressions
inner join regression_history using (build_id, metric, subject)
where regression_history.is_change <> (regressions.status <> 'moved')
    or (regressions.status <> 'moved' and regressions.q_value > 0.01)
