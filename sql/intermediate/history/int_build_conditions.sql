-- What a build's captures were taken under, as they say themselves: GOMAXPROCS, sampling period, architecture.
-- grain: build_id, measure, condition
-- scope: build
with

captures as (
    select * from stg_captures
),

metrics as (
    select * from stg_trace_metrics
),

heap as (
    select * from int_heap_captures
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
)

select captures.build_id, 'trace' as measure, 'GOMAXPROCS' as condition, max(metrics.value)::bigint::varchar as value,
from metrics
inner join captures using (capture_id)
where metrics.name = '/sched/gomaxprocs:threads'
group by captures.build_id
union all
select
    build_id,
    case when starts_with(sample_type, 'alloc') then 'heap_alloc' else 'heap_inuse' end as measure,
    'sampling period' as condition,
    max(sampling_period)::varchar as value,
from heap
where sampling_period > 0
group by build_id, measure
union all
select architectures.build_id, measures.measure, 'architecture', architectures.architecture,
from architectures
cross join (values ('trace'), ('heap_alloc'), ('heap_inuse'), ('goroutines'), ('benchmark')) as measures (measure)
where architectures.architecture is not null
