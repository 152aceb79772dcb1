-- How long tasks and regions of a build took, by name, and how one spent that time on average.
select
    1 as place,
    name,
    span_kind,
    max(span_count) as span_count,
    max(p50_ns) filter (where state = 'total') as p50_ns,
    max(p99_ns) filter (where state = 'total') as p99_ns,
    max(max_ns) filter (where state = 'total') as max_ns,
    max(mean_ns) filter (where state = 'running') as running_ns,
    max(mean_ns) filter (where state = 'runnable') as runnable_ns,
    max(mean_ns) filter (where state = 'waiting') as waiting_ns,
    max(mean_ns) filter (where state = 'syscall') as syscall_ns,
from goroutine_summary
where build_id = $build_id and span_kind <> 'goroutine'
group by name, span_kind
order by span_kind desc, p99_ns desc, name
