-- How many processes the heap profiles of a build's runs are of, where these are fewer.
select run_count, process_count
from int_heap_processes
where build_id = $build_id and process_count < run_count
