-- Of how many processes the heap profiles of a build's runs are, where these are fewer, and what of them tells it.
select any_value(run_count) as run_count, process_count, list(sample_type order by sample_type) as sample_types
from int_heap_processes
where build_id = $build_id and own_count < run_count
group by process_count
order by process_count
