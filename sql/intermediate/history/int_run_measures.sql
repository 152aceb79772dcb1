-- What each run could show of each source of figures, and what its sums are divided by.
-- grain: build_id, run_id, measure
-- scope: history
with

sources as (
    select * from metric_sources
),

captures as (
    select *, count(*) over (partition by build_id, run_id, kind, format, process) as snapshots,
    from int_counted_captures
),

heap as (
    select * from int_heap_knowledge
),

chosen as (
    select * from int_heap_captures
),

since as (
    select * from int_counted_since
),

work as (
    select * from stg_run_work
),

-- One unit of work for all, so that builds compare: the one that most runs count.
common_unit as (
    select work_unit
    from work
    where work_count > 0 and work_unit <> 'seconds'
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

-- How long the work took: of it a trace or a CPU profile that was shorter has seen its part.
run_seconds as (
    select build_id, run_id, work_count as work_seconds,
    from work
    where work_unit = 'seconds' and work_count > 0
),

-- How long a run's longest capture took: of a process's life nothing else is known, where the run does not say it.
lives as (
    select build_id, run_id, max(duration_ns) as duration_ns,
    from captures
    group by build_id, run_id
),

-- A heap figure comes from the one capture that was chosen for it, whatever it calls itself.
sourced as (
    select captures.capture_id, sources.*,
    from captures
    inner join sources on list_contains(sources.kinds, captures.kind)
    where sources.sample_type is null
    union all by name
    select chosen.capture_id, sources.*,
    from chosen
    inner join sources on sources.sample_type = chosen.sample_type
),

captured as (
    select
        captures.build_id,
        captures.run_id,
        sourced.measure,
        any_value(sourced.sample_type) as sample_type,
        any_value(sourced.divided_by) as divided_by,
        any_value(sourced.exhaustive) as exhaustive,
        any_value(sourced.load_dependence) as load_dependence,
        sum(captures.duration_ns) as observed_ns,
        -- Of totals that are counted from a profile before.
        if(any_value(sourced.divided_by) = 'work', sum(since.seconds), null) as counted_seconds,
        greatest(count(distinct captures.process), 1) as processes,
        bool_and(captures.status = 'ok') as is_whole,
    from sourced
    inner join captures using (capture_id)
    left join since using (capture_id)
    where sourced.exhaustive <> 'several' or captures.snapshots > 1
    group by captures.build_id, captures.run_id, sourced.measure
),

-- How much of the work a damaged capture saw nobody knows. A profile of all since the process began has no duration of its
-- own: without work it stands for the run.
divided as (
    select
        captured.build_id,
        captured.run_id,
        captured.measure,
        captured.load_dependence,
        if(
            captured.divided_by = 'work or time',
            run_work.work_count
                * least(1, coalesce(captured.observed_ns / 1e9 / captured.processes / run_seconds.work_seconds, 1)),
            run_work.work_count
        ) as seen_count,
        case
            when captured.divided_by = 'nothing' then null
            when captured.divided_by = 'work or time' and not captured.is_whole then null
            else run_work.work_unit
        end as divided_unit,
        if(
            divided_unit is null and (captured.divided_by = 'work or time' or captured.counted_seconds is not null), 's',
            divided_unit
        ) as per,
        case
            when divided_unit is not null then seen_count
            when captured.divided_by = 'work or time' then captured.observed_ns / 1e9
            when captured.counted_seconds is not null then captured.counted_seconds
            else 1
        end::double as divisor,
        if(captured.divided_by = 'work or time', captured.observed_ns / 1e9, 0)::double as observed_seconds,
        coalesce(heap.sampling_period, 0)::double as sampling_period,
        case captured.exhaustive
            when 'whole' then captured.is_whole
            when 'several' then captured.is_whole
            when 'maps told' then coalesce(heap.is_known, false)
            else false
        end as is_exhaustive,
        captured.exhaustive = 'maps told' and captured.is_whole as is_told_by_site,
        captured.processes,
        run_work.work_unit,
        run_seconds.work_seconds is not null as is_part_counted,
        coalesce(
            if(captured.divided_by = 'work or time', captured.observed_ns, null),
            run_seconds.work_seconds * 1e9,
            lives.duration_ns
        ) as duration_ns,
    from captured
    left join heap
        on heap.build_id = captured.build_id
        and heap.run_id = captured.run_id
        and heap.sample_type = captured.sample_type
    left join run_work
        on run_work.build_id = captured.build_id
        and run_work.run_id = captured.run_id
        and (captured.is_whole or captured.divided_by <> 'work or time')
    left join run_seconds
        on run_seconds.build_id = captured.build_id
        and run_seconds.run_id = captured.run_id
    left join lives
        on lives.build_id = captured.build_id
        and lives.run_id = captured.run_id
),

-- Figures per second do not compare with figures per unit of work, nor either with those of all since a process began:
-- those of which there are most count.
ranked as (
    select *, count(*) over (partition by measure, per) as per_count,
    from divided
    where divisor > 0
)

select
    build_id,
    run_id,
    measure,
    load_dependence,
    per,
    divisor,
    observed_seconds,
    sampling_period,
    is_exhaustive,
    is_told_by_site,
    per is not distinct from first_value(per) over (
        partition by measure order by per_count desc, divided_unit is null, per nulls last
    ) as is_comparable,
    work_unit,
    seen_count as work_count,
    is_part_counted,
    processes,
    duration_ns,
from ranked
