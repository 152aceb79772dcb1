-- A verdict: the figure over what it was before.
select
    build_id,
    metric,
    subject,
    status,
    (accepted_by is not null)::varchar as is_accepted,
    change_ratio,
from regressions
left join accepted_regressions using (build_id, metric, subject)
inner join builds using (build_id)
order by ordinal, metric, subject
