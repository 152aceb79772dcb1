-- Each metric's largest series that is judged at the build and steady before it.
select metric, arg_max(subject, value) as subject
from regression_history
semi join observations using (build_id, metric, subject)
where build_id = $build_id
    and p_value is not null
    and not is_change
    and level_builds >= (select least_builds from detection_rules)
    -- A site that is hardly there stays so when it is multiplied.
    and value between expected / 2 and expected * 2
group by metric
order by metric
