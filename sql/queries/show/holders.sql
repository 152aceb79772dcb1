-- Who made them wait: the lines that ended the waits in a function, the costliest first.
select
    holder_function,
    holder_file,
    holder_line,
    sum(block_count)::bigint as block_count,
    sum(block_ns)::bigint as block_ns,
    sum(block_ns_per_unit) as block_ns_per_unit,
    any_value(per) as per,
from lock_waits
where build_id = $build and function = $function
group by all
order by block_ns desc
limit $most
