-- Each metric's largest series that is judged at the build and steady before it.
with

shown as (
    select metric, subject, count(*) as runs_shown
    from observations
    where build_id = $build_id and value > 0
    group by metric, subject
)

select metric, arg_max(subject, value) as subject
from regression_history
inner join shown using (metric, subject)
where build_id = $build_id
    and p_value is not null
    -- In every run: what one run does not show scatters the more, the more the others show.
    and runs_shown = run_count
    and not is_change
    and level_builds >= (select least_builds from detection_rules)
    -- A site that is hardly there stays so when it is multiplied.
    and value between expected / 2 and expected * 2
    and expected > negligible
group by metric
order by metric
