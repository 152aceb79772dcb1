-- Delays of a build by mutex and block profiles: place 1 contention, 2 waiting for work.
select if(is_contention, 1, 2) as place, * exclude (build_id),
from contention
where build_id = $build_id and function is not null
order by place, delay_ns desc, contention_count desc, kind, function
