-- What the call paths of a build cost by one metric, over its runs.
select unnest(['count', $metric]) as cost,
    unnest(['count', case when ends_with($metric, '_ns') then 'nanoseconds' when ends_with($metric, '_bytes') then 'bytes'
        else 'count' end]) as unit,
    unnest([event_count, round(value)::bigint]) as value, functions, files, lines,
    wait_reason as reason,
from int_stack_costs
where build_id = $build_id and metric = $metric and functions is not null
order by path_id, wait_reason
