-- What changed in waiting from the build before, by function and reason, per unit of work or second.
-- grain: build_id, function, wait_reason
-- scope: view
-- As measured, without a verdict, which regressions gives. What one of the two builds lacks is zero there.
with

waits as (
    select * from int_function_waits
),

measures as (
    select * from int_build_measures where measure = 'trace' and per is not null
),

sequence as (
    select * from builds
),

ordered as (
    select
        measures.*,
        lag(measures.build_id) over (partition by measures.per order by sequence.ordinal) as previous_build_id,
    from measures
    inner join sequence using (build_id)
    where sequence.is_ordered
),

costs as (
    select
        waits.build_id,
        waits.function,
        waits.wait_reason,
        bool_or(waits.is_contention) as is_contention,
        sum(waits.block_count) / any_value(measures.divisor) as block_count,
        sum(waits.block_ns) / any_value(measures.divisor) as block_ns,
    from waits
    inner join measures using (build_id)
    group by waits.build_id, waits.function, waits.wait_reason
),

sides as (
    select ordered.build_id, ordered.previous_build_id, ordered.per, costs.function, costs.wait_reason,
        costs.is_contention, costs.block_count, costs.block_ns, 0 as previous_block_count, 0 as previous_block_ns,
    from ordered
    inner join costs using (build_id)
    where ordered.previous_build_id is not null
    union all
    select ordered.build_id, ordered.previous_build_id, ordered.per, costs.function, costs.wait_reason,
        costs.is_contention, 0, 0, costs.block_count, costs.block_ns,
    from ordered
    inner join costs on costs.build_id = ordered.previous_build_id
)

select
    build_id,
    function,
    wait_reason,
    any_value(previous_build_id) as previous_build_id,
    bool_or(is_contention) as is_contention,
    sum(block_count)::double as block_count_per_unit,
    sum(previous_block_count)::double as previous_block_count_per_unit,
    sum(block_ns)::double as block_ns_per_unit,
    sum(previous_block_ns)::double as previous_block_ns_per_unit,
    (sum(block_ns) - sum(previous_block_ns))::double as change_ns_per_unit,
    any_value(per) as per,
from sides
group by build_id, function, wait_reason
