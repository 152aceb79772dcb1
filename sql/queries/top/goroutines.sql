-- Goroutines of a build at a run's end, the most of its runs, by dump where there is one, else by profile or trace.
with

counted as (
    select
        function,
        metric,
        max(goroutine_count) as goroutine_count,
        dense_rank() over (
            order by metric <> 'goroutine_count', metric <> 'goroutine_profile_count'
        ) as choice,
    from int_goroutine_counts
    where build_id = $build_id
        and metric in ('goroutine_count', 'goroutine_profile_count', 'goroutine_live_count')
    group by function, metric
),

leaks as (
    select function, evidence, max(goroutine_count) as goroutine_count, max(first_goroutine_count) as first_goroutine_count,
    from goroutine_leaks
    where build_id = $build_id
    group by function, evidence
)

select
    1 as place,
    function,
    if(evidence = 'goroutine_growth', 'grows', 'leaked') as fate,
    goroutine_count,
    first_goroutine_count,
from leaks
union all
select
    if(regexp_matches(function, '^(runtime[./]|the runtime$)'), 3, 2),
    function,
    case metric
        when 'goroutine_count' then 'created by it, in a dump'
        when 'goroutine_profile_count' then 'began with it, in a profile'
        else 'began with it, at the end of a trace'
    end,
    goroutine_count,
    null,
from counted
where choice = 1
order by place, goroutine_count desc, function
