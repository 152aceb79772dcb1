-- Where goroutines of a build waited, by function and reason; place 1 contention, 2 waiting for work, 3 the runtime's own.
select
    case
        when bool_or(waits.is_contention) then 1
        when regexp_matches(waits.function, '^runtime[./]') then 3
        else 2
    end as place,
    waits.function,
    waits.wait_reason,
    sum(waits.block_count)::bigint as block_count,
    sum(waits.block_ns)::bigint as block_ns,
    -- Of several runs the worst.
    max(waits.p99_ns) as p99_ns,
    sum(waits.block_count) / any_value(measures.divisor) as block_count_per_unit,
    sum(waits.block_ns) / any_value(measures.divisor) as block_ns_per_unit,
    any_value(measures.per) as per,
from int_function_waits as waits
left join int_build_measures as measures
    on measures.build_id = waits.build_id
    and measures.measure = 'trace'
where waits.build_id = $build_id and waits.function is not null
group by waits.function, waits.wait_reason
order by place, block_ns desc, waits.function, waits.wait_reason
