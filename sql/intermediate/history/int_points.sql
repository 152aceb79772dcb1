-- What is judged: the logarithm of each series' figure at each build, its runs put together.
-- grain: metric, series_number, ordinal
-- scope: history
-- by: build
with

run_points as (
    select *, variance / pow(value + negligible, 2) as share_of_variance from int_run_points
),

families as (
    select * from int_families
),

conditions as (
    select * from int_conditions
),

described as (
    select * from int_metrics
),

-- Runs that are captures of one process are one run of what heap profiles tell.
processes as (
    select processes.build_id, sources.measure, processes.own_count,
    from int_heap_processes as processes
    inner join metric_sources as sources using (sample_type)
    where processes.own_count < processes.run_count
)

-- A leak or a race need not show in every run: of those the run that has most of them counts.
-- What is summed of fractions is summed in order: the last digit does not follow from how rows came.
-- The variance of a median of n is pi / (2n + 1) times that of one.
select
    run_points.metric,
    run_points.series_number,
    run_points.build_id,
    any_value(conditions.ordinal) as ordinal,
    any_value(conditions.context) as context,
    any_value(run_points.unit) as unit,
    max(run_points.evidence) as evidence,
    any_value(run_points.negligible) as negligible,
    if(any_value(described.is_fault), max(run_points.value), median(run_points.value)) as value,
    if(any_value(described.is_fault), max(run_points.log_value), median(run_points.log_value)) as log_value,
    if(
        any_value(processes.own_count) = 1, null,
        list_var_samp(list_sort(list(run_points.log_value)))
    ) as run_variance,
    least(count(*), any_value(processes.own_count)) as run_count,
    coalesce(
        list_avg(list_sort(list(run_points.share_of_variance)))
            * pi() / (2 * least(count(*), any_value(processes.own_count)) + 1),
        0
    ) as counting_variance,
    coalesce(any_value(families.families), 1) as families,
    any_value(described.is_timed) as is_timed,
    -- Of a long history: those before the stretch.
    (select min(ordinal) - 1 from conditions) as builds_before,
from run_points
inner join conditions using (build_id, measure)
inner join described using (metric)
left join families using (ordinal)
left join processes using (build_id, measure)
group by run_points.metric, run_points.series_number, run_points.build_id
