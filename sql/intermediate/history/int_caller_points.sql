-- What was spent below each function that calls a site whose cost changed, as int_points has it of the sites.
-- grain: metric, caller, ordinal
-- scope: history
with

families as (
    select * from int_families
),

callers as (
    select * from int_site_callers
),

told_costs as not materialized (
    select * from int_caller_costs
),

pooled_costs as (
    select * from int_pooled_caller_costs
),

operations as (
    select * from int_benchmark_sums
    where is_with_all_below
),

measures as (
    select * from int_run_measures
    where is_comparable
),

conditions as (
    select * from int_conditions
),

floors as (
    select * from int_metric_floors
),

described as (
    select * from int_metrics
),

programs as (
    select * from int_run_programs
),

unknown as (
    select build_id, run_id, unnest(list_distinct(list_prepend(function, callers))) as caller, alloc_bytes, inuse_bytes,
    from unknown_allocations
),

wanted as (
    select metric, measure, caller, row_number() over (partition by metric order by caller) as series_number,
    from callers
    group by metric, measure, caller
),

caller_costs as (
    select build_id, run_id, metric, caller, sum(value) as value, sum(variance) as variance,
    from (
        select build_id, run_id, metric, caller, value, variance from told_costs
        union all
        select build_id, run_id, 'cpu_under_ns', caller, value, variance from told_costs
        where metric = 'cpu_ns'
        union all
        select build_id, run_id, metric, caller, value, null from pooled_costs
        union all
        select build_id, run_id, metric, function, value, variance from operations
    )
    semi join wanted using (metric, caller)
    group by build_id, run_id, metric, caller
),

-- Where a build's runs are of different programs, those that ever showed what is below the caller.
caller_programs as (
    select distinct caller_costs.metric, caller_costs.caller, programs.program,
    from caller_costs
    inner join programs using (build_id, run_id)
),

-- What nothing tells whether a map allocated it, of what each caller and all below it allocated.
untold as (
    select unknown.build_id, unknown.run_id, measures.measure, unknown.caller,
        sum(if(measures.measure = 'map_alloc', unknown.alloc_bytes, unknown.inuse_bytes)) as value,
    from unknown
    semi join wanted using (caller)
    cross join (values ('map_alloc'), ('map_inuse')) as measures (measure)
    group by unknown.build_id, unknown.run_id, measures.measure, unknown.caller
),

-- Nothing below a caller is zero if the run's captures could have shown it, and unknown if not; what maps allocated below it is
-- known where next to nothing is unknown.
run_points as (
    select
        measures.build_id,
        wanted.metric,
        wanted.measure,
        wanted.caller,
        wanted.series_number,
        floors.negligible,
        coalesce(
            caller_costs.value / if(described.is_sum, measures.divisor, 1),
            case when measures.is_exhaustive then 0 end
        ) as cost,
        ln(cost + floors.negligible) as log_value,
        caller_costs.variance / pow(if(described.is_sum, measures.divisor, 1) * (cost + floors.negligible), 2)
            as share_of_variance,
    from wanted
    inner join measures using (measure)
    inner join floors using (metric)
    inner join described using (metric)
    left join caller_costs using (build_id, run_id, metric, caller)
    left join untold using (build_id, run_id, measure, caller)
    left join programs using (build_id, run_id)
    where (
            programs.program is null
            or (wanted.metric, wanted.caller, programs.program) in (
                select (metric, caller, program) from caller_programs
            )
        )
        and coalesce(untold.value, 0) <= 0.02 * (coalesce(caller_costs.value, 0) + coalesce(untold.value, 0))
)

select
    run_points.metric,
    run_points.caller,
    run_points.series_number,
    conditions.ordinal,
    any_value(conditions.context) as context,
    any_value(run_points.negligible) as negligible,
    median(run_points.log_value) as log_value,
    list_var_samp(list_sort(list(run_points.log_value))) as run_variance,
    count(*) as run_count,
    coalesce(
        list_avg(list_sort(list(run_points.share_of_variance))) * pi() / (2 * count(*) + 1), 0
    ) as counting_variance,
    coalesce(any_value(families.families), 1) as families,
    false as is_timed,
    -- Of a long history: those before the stretch.
    (select min(ordinal) - 1 from conditions) as builds_before,
from run_points
inner join conditions using (build_id, measure)
left join families using (ordinal)
where run_points.log_value is not null
group by run_points.metric, run_points.caller, run_points.series_number, conditions.ordinal
