-- The call paths of two builds that allocated for maps, for one unit of work: the rows of a flame graph.
-- Of runs that count their work as most do; none where one of the builds has no such run.
with

runs as (
    select build_id, run_id, divisor, per,
    from int_run_measures
    where measure = $measure and build_id in ($before, $after) and is_comparable
),

measures as (
    select build_id, sum(divisor) as divisor, any_value(per) as per,
    from runs
    group by build_id
),

allocations as (
    select *,
        case $column
            when 'alloc_bytes' then alloc_bytes
            when 'alloc_objects' then alloc_objects
            when 'inuse_bytes' then inuse_bytes
            else inuse_objects
        end as value,
        case
            when callee_class in ('map_assign', 'map_grow') then 'mapassign'
            when callee_class = 'sync_map' then 'syncmap'
            else 'makemap'
        end as prefix,
    from mapassign_allocations
    semi join runs using (build_id, run_id)
    where build_id in ($before, $after) and callee_class <> 'convert'
),

-- Paths by their names: the leaf and its callers are what mapassign_allocations has of them.
paths as (
    select path_id, any_value(functions) as functions, any_value(files) as files, any_value(lines) as lines,
    from int_stack_costs
    where metric in ('alloc_bytes', 'inuse_bytes') and build_id in ($before, $after) and path_id is not null
    group by path_id
)

select
    list_prepend(allocations.callee, coalesce(any_value(paths.functions), [any_value(allocations.function)])) as functions,
    list_prepend('', coalesce(any_value(paths.files), [any_value(allocations.file)])) as files,
    list_prepend(0, coalesce(any_value(paths.lines), [any_value(allocations.line)])) as lines,
    any_value(allocations.function) as function,
    string_agg(distinct allocations.evidence, ', ' order by allocations.evidence) as wait_reason,
    true as is_contention,
    any_value(measures.per) as per,
    coalesce(sum(allocations.value / measures.divisor) filter (where allocations.build_id = $before), 0) as before,
    coalesce(sum(allocations.value / measures.divisor) filter (where allocations.build_id = $after), 0) as after,
from allocations
inner join measures using (build_id)
left join paths using (path_id)
where allocations.prefix = $prefix and (select count(*) from measures) = 2
group by allocations.path_id, allocations.callee
having before > 0 or after > 0
order by greatest(before, after) desc, allocations.path_id, allocations.callee
