-- What each build's figures were measured under, Go's release included.
-- grain: build_id, measure, condition
-- scope: history
with

build_order as (
    select * from builds
),

manifests as (
    select * from stg_build_manifests
),

labels as (
    select build_id, unnest(map_entries(labels)) as label,
    from manifests
),

-- What build.json says counts more, also once what the captures say is all that is left of them.
conditions as (
    select told.*,
    from int_build_conditions as told
    anti join labels
        on labels.build_id = told.build_id
        and upper(labels.label.key) = upper(told.condition)
    union all
    select build_id, null, label.key, label.value,
    from labels
    where upper(label.key) in ('GOGC', 'GOMEMLIMIT', 'GOMAXPROCS', 'GODEBUG', 'GOEXPERIMENT')
        or lower(label.key) in ('cpu', 'cpu_limit', 'memory_limit', 'machine', 'runner', 'environment')
),

benchmarks as (
    select * from int_benchmark_conditions
),

run_measures as (
    select * from int_run_measures
),

measures as (
    select distinct measure from run_measures
)

-- A release of Go counts without its patch: go1.27 for go1.27.3. What is not of one source is of all.
select build_order.build_id, measures.measure, 'Go version' as condition,
    regexp_extract(build_order.go_version, 'go\d+\.\d+') as value,
from build_order
cross join measures
where build_order.go_version is not null
union all
select conditions.build_id, measures.measure, conditions.condition, conditions.value,
from conditions
inner join measures on measures.measure = coalesce(conditions.measure, measures.measure)
union all
select build_id, 'benchmark', condition, value,
from benchmarks
union all
-- What a capture of a part of the run is divided by: it follows from whether the run says how long its work took.
select build_id, measure, 'amount of work', if(bool_and(is_part_counted), 'while captured', 'of the whole run'),
from run_measures
where observed_seconds > 0 and work_unit is not null
group by build_id, measure
union all
-- What is neither divided by time nor by work is the sum of the run's processes.
select build_id, measure, 'processes', mode(processes order by processes)::text,
from run_measures
where observed_seconds = 0 and per is null
group by build_id, measure
