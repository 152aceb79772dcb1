-- Time that goroutines of a build worked for the collector, by function.
select 1 as place, * exclude (build_id),
from gc_assists
where build_id = $build_id
order by assist_ns desc, function
