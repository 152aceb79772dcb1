-- Each metric judged at the build with its largest series that is steady before it; without one where none is.
with

judged as (
    select history.*
    from regression_history as history
    where build_id = $build_id
        and p_value is not null
),

shown as (
    select metric, subject, count(*) as runs_shown
    from observations
    where build_id = $build_id and value > 0
    group by metric, subject
),

steady as (
    select metric, arg_max(subject, value) as subject
    from judged
    inner join shown using (metric, subject)
    -- In every run: what one run does not show scatters the more, the more the others show.
    where runs_shown = run_count
        and not is_change
        and level_builds >= (select least_builds from detection_rules)
        -- A site that is hardly there stays so when it is multiplied.
        and value between expected / 2 and expected * 2
        and expected > negligible
    group by metric
)

select distinct judged.metric, steady.subject
from judged
left join steady using (metric)
order by judged.metric
