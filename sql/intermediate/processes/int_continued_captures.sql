-- Profiles that go on from an earlier one of the same process, and so have all of it: what a process counts never becomes less.
-- grain: capture_id, earlier_id
-- scope: build
-- Of two processes, each site of some dozens is sampled more often in the one or in the other; where the address of the
-- vdso tells that both are of one process, or are not, few sites will do, or none.
-- What counts in a run is compared with what counts in the run before, and in the last one of the same process, as of
-- replicas that are scraped in turns; and with the first of its process in the run; texts, of which nothing else tells the
-- process, with all that do not count.
-- earlier_share: of what the later one has counted, what the earlier one had. is_first: the earlier one is the run's first.
with

captures as (
    select * from stg_captures
),

totals as (
    select * from int_running_totals
),

processes as (
    select * from int_capture_processes
),

samples as (
    select * from stg_profile_samples
),

-- What spans a time has nothing of what was before it.
described as (
    select totals.*, captures.format, captures.captured_at, captures.path, processes.process, processes.image,
        row_number() over (
            partition by totals.build_id, totals.run_id, totals.source, captures.format, processes.process
            order by captures.captured_at nulls first, natural_order(captures.path)
        ) = 1 as is_first,
    from totals
    inner join captures using (capture_id)
    inner join processes using (capture_id)
    where captures.duration_ns is null
),

runs as (
    select build_id, source, run_id,
        lag(run_id) over (
            partition by build_id, source order by max(captured_at), max(natural_order(path))
        ) as run_id_before,
    from described
    where is_counted
    group by build_id, source, run_id
),

-- Of replicas that are scraped in turns, the run before is another's.
turns as (
    select *, lag(capture_id) over (
            partition by build_id, source, image order by captured_at, natural_order(path)
        ) as earlier_id,
    from described
    where is_counted and image is not null
),

pairs as (
    select now.build_id, now.run_id, now.source, now.sample_type, now.capture_id, before.capture_id as earlier_id,
        now.image = before.image as is_same_image, false as is_first,
    from runs
    inner join described as now using (build_id, source, run_id)
    inner join described as before
        on before.build_id = runs.build_id
        and before.source = runs.source
        and before.run_id = runs.run_id_before
    where now.is_counted and before.is_counted
    union
    select build_id, run_id, source, sample_type, capture_id, earlier_id, true, false,
    from turns
    where earlier_id is not null
    union
    select now.build_id, now.run_id, now.source, now.sample_type, now.capture_id, before.capture_id,
        now.image = before.image, before.is_first,
    from described as now
    inner join described as before using (build_id, run_id, source, format, process)
    where now.is_counted and not before.is_counted
        and (before.is_first or before.format = 'legacy_profile')
),

compared_captures as (
    select capture_id, sample_type from pairs
    union
    select earlier_id, sample_type from pairs
),

sites as (
    select samples.capture_id, samples.stack_id, max(samples.sampling_period) as sampling_period, sum(samples.value) as value,
    from samples
    inner join compared_captures using (capture_id, sample_type)
    group by samples.capture_id, samples.stack_id
),

sums as (
    select capture_id, max(sampling_period) as sampling_period, sum(value) as value,
    from sites
    group by capture_id
),

compared as (
    select pairs.capture_id, pairs.earlier_id,
        count(before.stack_id) as site_count,
        count(*) filter (where coalesce(now.value, 0) < before.value) as fallen_count,
    from pairs
    left join sites as before on before.capture_id = pairs.earlier_id
    left join sites as now
        on now.capture_id = pairs.capture_id
        and now.stack_id = before.stack_id
    group by pairs.capture_id, pairs.earlier_id
)

select pairs.build_id, pairs.run_id, pairs.source, pairs.capture_id, pairs.earlier_id, pairs.is_first,
    coalesce(before.value / nullif(now.value, 0), 0)::double as earlier_share,
from pairs
inner join compared using (capture_id, earlier_id)
left join sums as now on now.capture_id = pairs.capture_id
left join sums as before on before.capture_id = pairs.earlier_id
where compared.fallen_count = 0
    -- Where every allocation is counted, two processes may do the same.
    and coalesce(pairs.is_same_image, compared.site_count >= 10 and now.sampling_period > 1)
