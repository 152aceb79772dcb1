-- What each run could show, what its figures are divided by, and the least amount that counts as anything.
-- grain: build_id, run_id, measure
-- scope: history
with

captures as (
    select * from stg_captures
),

heap as (
    select * from int_heap_coverage
),

work as (
    select * from stg_run_work
),

-- One unit of work for all, so that builds compare: the one that most runs count.
common_unit as (
    select work_unit
    from work
    where work_count > 0
    group by work_unit
    order by count(*) desc, work_unit
    limit 1
),

run_work as (
    select work.build_id, work.run_id, work.work_unit, work.work_count,
    from work
    inner join common_unit using (work_unit)
    where work.work_count > 0
),

-- How long a run's longest capture took: of a process's life nothing is known.
durations as (
    select build_id, run_id, max(duration_ns) as duration_ns,
    from captures
    group by build_id, run_id
),

traced as (
    select build_id, run_id, sum(duration_ns) as duration_ns, bool_and(status = 'ok') as is_whole,
    from captures
    where kind = 'trace'
    group by build_id, run_id
),

-- A thousandth of one goroutine's time is no wait worth a word. How much of the work a damaged trace saw nobody knows.
trace_measures as (
    select
        traced.build_id,
        traced.run_id,
        'trace' as measure,
        coalesce(run_work.work_unit, 's') as per,
        coalesce(run_work.work_count, traced.duration_ns / 1e9) as divisor,
        traced.duration_ns * 0.001 as negligible,
        traced.is_whole as is_exhaustive,
        run_work.work_unit is not null as is_per_work,
        run_work.work_unit,
        run_work.work_count,
        traced.duration_ns,
    from traced
    left join run_work
        on run_work.build_id = traced.build_id
        and run_work.run_id = traced.run_id
        and traced.is_whole
    where traced.duration_ns > 0
),

-- One sample is the least that a heap profile can show. A profile counts from the start of the process, not over its
-- own duration, so without work it stands for the run.
heap_measures as (
    select
        heap.build_id,
        heap.run_id,
        case heap.sample_type when 'alloc_space' then 'heap_alloc' else 'heap_inuse' end as measure,
        case when heap.sample_type = 'alloc_space' then run_work.work_unit end as per,
        case when heap.sample_type = 'alloc_space' then coalesce(run_work.work_count, 1) else 1 end as divisor,
        greatest(heap.sampling_period, 65536) as negligible,
        heap.is_known as is_exhaustive,
        run_work.work_unit is not null and heap.sample_type = 'alloc_space' as is_per_work,
        run_work.work_unit,
        run_work.work_count,
        durations.duration_ns,
    from heap
    left join run_work using (build_id, run_id)
    left join durations using (build_id, run_id)
    where heap.sample_type in ('alloc_space', 'inuse_space')
),

-- What has its count only: ten goroutines more are no leak.
goroutine_measures as (
    select
        captures.build_id,
        captures.run_id,
        if(captures.kind = 'goroutine', 'goroutine_profile', 'goroutines') as measure,
        null as per,
        1 as divisor,
        10 as negligible,
        bool_and(captures.status = 'ok') as is_exhaustive,
        false as is_per_work,
        any_value(run_work.work_unit) as work_unit,
        any_value(run_work.work_count) as work_count,
        any_value(durations.duration_ns) as duration_ns,
    from captures
    left join run_work using (build_id, run_id)
    left join durations using (build_id, run_id)
    where captures.kind in ('goroutine', 'goroutine_dump')
    group by captures.build_id, captures.run_id, captures.kind
),

all_measures as (
    select * from trace_measures
    union all
    select * from heap_measures
    union all
    select * from goroutine_measures
),

-- Figures per second do not compare with figures per unit of work: those of which there are more count.
compared as (
    select
        build_id,
        run_id,
        measure,
        per,
        divisor::double as divisor,
        (negligible / divisor)::double as negligible,
        is_exhaustive,
        is_per_work = (
            2 * count(*) filter (where is_per_work) over (partition by measure) >= count(*) over (partition by measure)
        ) as is_comparable,
        work_unit,
        work_count,
        duration_ns,
    from all_measures
)

select
    build_id,
    run_id,
    measure,
    per,
    divisor,
    -- One for all, so that runs compare.
    median(negligible) filter (where is_comparable) over (partition by measure) as negligible,
    is_exhaustive,
    is_comparable,
    work_unit,
    work_count,
    duration_ns,
from compared
