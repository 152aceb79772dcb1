-- What a build's captures were taken under, as they say themselves: of one source of figures, or (null) of all.
-- grain: build_id, measure, condition
-- scope: build
with

captures as (
    select * from int_counted_captures
),

metrics_seen as (
    select * from stg_trace_metrics
),

runtime as (
    select * from stg_runtime_metrics
),

heap as (
    select * from int_heap_captures
),

heap_processes as (
    select * from int_heap_processes
    where sample_type = 'alloc_space'
),

-- Builds whose runs have what came since the run before, for the work that they count.
continued as (
    select distinct build_id,
    from int_counted_since
    where earlier_id is not null and seconds is null
),

binaries as (
    select * from stg_binaries
),

architectures as (
    select captures.build_id, max(binaries.architecture) as architecture,
    from binaries
    inner join captures using (capture_id)
    group by captures.build_id
    having count(distinct binaries.architecture) = 1
),

settings as (
    select captures.build_id, unnest(map_entries(binaries.build_settings)) as setting,
    from binaries
    inner join captures using (capture_id)
),

-- Of a program that changes them as it runs they are no condition. Where there is no limit, its place holds the largest
-- number.
collector as (
    select
        captures.build_id,
        if(runtime.name = '/gc/gogc:percent', 'GOGC', 'GOMEMLIMIT') as condition,
        if(max(runtime.value) > 1e15, 'off', max(runtime.value)::bigint::varchar) as value,
    from runtime
    inner join captures using (capture_id)
    where runtime.name in ('/gc/gogc:percent', '/gc/gomemlimit:bytes')
    group by captures.build_id, runtime.name
    having count(distinct runtime.value) = 1
),

told_by_traces as (
    select captures.build_id, 'GOMAXPROCS' as condition, max(metrics_seen.value)::bigint::varchar as value,
    from metrics_seen
    inner join captures using (capture_id)
    where metrics_seen.name = '/sched/gomaxprocs:threads'
    group by captures.build_id
    union all
    select build_id, 'traces recorded' as condition, if(bool_or(kind = 'flight'), 'by a flight recorder', 'whole'),
    from captures
    where kind in ('trace', 'flight')
    group by build_id
)

select told.build_id, measures.measure, told.condition, told.value,
from told_by_traces as told
cross join (values ('trace'), ('trace_amount')) as measures (measure)
union all
select heap.build_id, measures.measure, 'sampling period', max(heap.sampling_period)::varchar,
from heap
inner join (
    values ('alloc_space', 'heap_alloc'), ('alloc_space', 'map_alloc'), ('inuse_space', 'heap_inuse'),
        ('inuse_space', 'map_inuse'), ('inuse_space', 'heap_growth')
) as measures (sample_type, measure) using (sample_type)
where heap.sampling_period > 0
group by heap.build_id, measures.measure
union all
-- What was allocated since the process began, of its second run has the first's, too. Where that is taken off, what a process
-- allocates once, as it starts, is in the first alone.
select processes.build_id, measures.measure, 'runs of one process',
    regexp_replace(
        round(
            processes.run_count / if(continued.build_id is null, processes.own_count, processes.process_count), 1
        )::varchar, '\.0$', ''
    ),
from heap_processes as processes
cross join (values ('heap_alloc'), ('map_alloc')) as measures (measure)
left join continued using (build_id)
where processes.process_count > 0
union all
select build_id, null, 'architecture', architecture,
from architectures
where architecture is not null
union all
-- Another format is another release of Go, also where nothing tells the releases.
select build_id, null, 'trace format', max(labels['trace_format']),
from captures
where labels['trace_format'] is not null
group by build_id
having count(distinct labels['trace_format']) = 1
union all
select build_id, null, setting.key, max(setting.value),
from settings
where setting.key in ('GOEXPERIMENT', 'GOAMD64', 'GOARM64', '-race', '-gcflags', '-tags', 'DefaultGODEBUG')
group by build_id, setting.key
having count(distinct setting.value) = 1
union all
select build_id, null, condition, value,
from collector
