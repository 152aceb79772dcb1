-- How long goroutines of a build were ready without a processor; place 1 the program's own, 3 the runtime's.
select
    if(regexp_matches(entry_function, '^runtime[./]'), 3, 1) as place,
    entry_function,
    function,
    runnable_count,
    runnable_ns,
    p50_ns,
    p99_ns,
    max_ns,
from scheduler_latency
where build_id = $build_id
order by place, runnable_ns desc, entry_function, function
