-- CPU time of a build by function: place 1 the program's own, 2 the runtime and the standard library alone.
select if(is_user_code, 1, 2) as place, * exclude (build_id),
from cpu_functions
where build_id = $build_id
order by place, cpu_ns desc, cpu_under_ns desc, function
