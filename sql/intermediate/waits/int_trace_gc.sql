-- Time the collector took from goroutines: mark assists by function, pauses of the program, and marking.
-- grain: build_id, run_id, activity, function
-- scope: build
with

captures as (
    select * from int_counted_captures
),

ranges as (
    select * from stg_trace_ranges
),

sites as (
    select * from int_stack_sites
),

activities as (
    select
        captures.build_id,
        captures.run_id,
        case ranges.name
            when 'GC mark assist' then 'mark_assist'
            when 'GC concurrent mark phase' then 'mark'
            else 'stop_the_world'
        end as activity,
        ranges.stack_id,
        ranges.duration_ns,
    from ranges
    inner join captures using (capture_id)
    where ranges.name in ('GC mark assist', 'GC concurrent mark phase')
        or (starts_with(ranges.name, 'stop-the-world') and contains(ranges.name, 'GC'))
)

-- A pause stops every function, whichever began it.
select
    activities.build_id,
    activities.run_id,
    activities.activity,
    case when activities.activity = 'mark_assist' then coalesce(sites.function, 'unknown') else '' end as function,
    count(*) as range_count,
    sum(activities.duration_ns)::bigint as range_ns,
    max(activities.duration_ns)::bigint as max_ns,
    sum(activities.duration_ns::hugeint * activities.duration_ns)::double as range_ns_variance,
from activities
left join sites
    on sites.build_id = activities.build_id
    and sites.stack_id = activities.stack_id
group by all
