-- How long goroutines of a build were ready without a processor; place 1 the program's own, 3 the runtime's.
select
    if(regexp_matches(latency.entry_function, '^runtime[./]'), 3, 1) as place,
    latency.entry_function,
    latency.function,
    latency.runnable_count,
    latency.runnable_ns,
    latency.p50_ns,
    latency.p99_ns,
    latency.max_ns,
    latency.runnable_count / measures.divisor as runnable_count_per_unit,
    latency.runnable_ns / measures.divisor as runnable_ns_per_unit,
    measures.per,
from scheduler_latency as latency
left join int_build_measures as measures
    on measures.build_id = latency.build_id
    and measures.measure = 'trace'
where latency.build_id = $build_id
order by place, latency.runnable_ns desc, latency.entry_function, latency.function
