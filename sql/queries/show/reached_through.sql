-- The innermost function through which alone most of the incident's functions are reached, as it changed as much.
-- Of those that call each other the innermost counts: two at least, or it is that one's own change.
with

functions as (
    select distinct verdicts.function, verdicts.first_build_id as origin_build_id,
    from regressions as verdicts
    inner join int_metrics as described using (metric)
    where verdicts.incident_id = $incident_id and verdicts.function is not null and described.place = 'site'
),

paths as (
    select paths.*,
    from int_changed_paths as paths
    inner join functions using (origin_build_id, function)
    where paths.least_part >= 0.9 and paths.is_as_much
),

innermost as (
    select function
    from functions
    where function not in (select outer_function from paths)
)

select outer_function
from paths
where function in (from innermost)
group by outer_function
having count(distinct function) >= 2
order by count(distinct function) desc, min(frames_out), outer_function
limit 1
