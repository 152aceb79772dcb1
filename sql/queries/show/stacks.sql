-- The call paths of two builds with what they cost, for one unit of work: the rows of a flame graph.
-- None where a run of one of them counts its work otherwise than most, or not at all: costs are those of all runs.
with

measures as (
    select build_id, sum(divisor) as divisor, any_value(per) as per,
    from int_run_measures
    where measure = $measure and build_id in ($before, $after)
    group by build_id
    having bool_and(is_comparable)
),

costs as (
    select build_id, path_id, wait_reason, is_contention, function, functions, files, lines,
        if($is_count, event_count::double, value) as value,
    from int_stack_costs
    where metric = $metric and build_id in ($before, $after)
)

select
    any_value(costs.functions) as functions,
    arg_max(costs.files, (costs.build_id = $after, costs.value)) as files,
    arg_max(costs.lines, (costs.build_id = $after, costs.value)) as lines,
    any_value(costs.function) as function,
    costs.wait_reason,
    bool_or(costs.is_contention) as is_contention,
    any_value(measures.per) as per,
    coalesce(sum(costs.value / measures.divisor) filter (where costs.build_id = $before), 0) as before,
    coalesce(sum(costs.value / measures.divisor) filter (where costs.build_id = $after), 0) as after,
from costs
inner join measures using (build_id)
where (select count(*) from measures) = 2
group by costs.path_id, costs.wait_reason
order by greatest(before, after) desc, costs.path_id, costs.wait_reason
