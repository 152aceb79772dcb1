-- How often and how long goroutines of traces waited by stack and reason, as far as it lies within a range of time.
with

clipped as (
    select stack_id, coalesce(reason, 'unknown') as reason,
        least(start_ns + duration_ns, $to_ns) - greatest(start_ns, $from_ns) as duration_ns,
    from goroutine_intervals
    where list_contains($captures, capture_id) and state = 'waiting'
        and start_ns < $to_ns and start_ns + duration_ns > $from_ns
),

summed as (
    select stack_id, reason, count(*) as wait_count, sum(duration_ns)::bigint as wait_ns,
    from clipped
    group by stack_id, reason
)

select unnest(['contentions', 'delay']) as cost, unnest(['count', 'nanoseconds']) as unit,
    unnest([summed.wait_count, summed.wait_ns]) as value, stacks.functions, stacks.files, stacks.lines,
    summed.reason,
from summed
inner join stacks using (stack_id)
order by summed.stack_id, summed.reason
