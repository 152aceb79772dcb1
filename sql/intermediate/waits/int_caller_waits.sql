-- How long and how often goroutines waited in each function, by the function that called it and by reason.
-- grain: build_id, run_id, function, caller, wait_reason
-- scope: build
with

captures as (
    select * from int_counted_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

kinds as (
    select * from int_wait_kinds
),

sites as (
    select * from int_stack_sites
),

summed as (
    select captures.build_id, captures.run_id, intervals.stack_id, coalesce(intervals.reason, 'unknown') as reason,
        count(*) as block_count, sum(intervals.duration_ns) as block_ns,
        sum(intervals.duration_ns::hugeint * intervals.duration_ns) as block_ns_variance,
    from intervals
    inner join captures using (capture_id)
    where intervals.state = 'waiting'
    group by all
)

select
    summed.build_id,
    summed.run_id,
    kinds.function,
    sites.calling_function as caller,
    kinds.wait_reason,
    bool_or(kinds.is_contention) as is_contention,
    bool_or(kinds.is_of_request) as is_of_request,
    sum(summed.block_count)::bigint as block_count,
    sum(summed.block_ns)::bigint as block_ns,
    sum(summed.block_ns_variance)::double as block_ns_variance,
from summed
inner join kinds
    on kinds.build_id = summed.build_id
    and kinds.stack_id = summed.stack_id
    and kinds.reason = summed.reason
inner join sites
    on sites.build_id = summed.build_id
    and sites.stack_id = summed.stack_id
where sites.calling_function is not null and kinds.is_contention
group by summed.build_id, summed.run_id, kinds.function, sites.calling_function, kinds.wait_reason
