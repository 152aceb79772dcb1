-- What each call path allocated in a run and still holds, and how the latter grew over each process's profiles.
-- grain: build_id, run_id, path_id
-- scope: build
with

captures as (
    select * from stg_captures
),

chosen as (
    select * from int_heap_captures
),

processes as (
    select * from int_capture_processes
),

heaps as (
    select * from int_heap_samples
),

samples as (
    select * from stg_profile_samples
),

sites as (
    select * from int_stack_sites
),

-- The profiles that the chosen one is the last of.
series as (
    select
        chosen.build_id,
        chosen.run_id,
        captures.capture_id,
        row_number() over process as place,
        count(*) over (partition by chosen.capture_id) as profile_count,
    from chosen
    inner join captures as last_one on last_one.capture_id = chosen.capture_id
    inner join captures
        on captures.build_id = last_one.build_id
        and captures.run_id = last_one.run_id
        and captures.format = last_one.format
        and captures.kind = last_one.kind
        and (captures.duration_ns is null) = (last_one.duration_ns is null)
    inner join processes
        on processes.capture_id = captures.capture_id
        and processes.process is not distinct from chosen.process
    where chosen.sample_type = 'inuse_space'
    window process as (
        partition by chosen.capture_id
        order by captures.captured_at nulls first, natural_order(captures.path)
    )
),

firsts as (
    select * from series
    where place = 1
),

grown as (
    select distinct build_id, run_id,
    from firsts
    where profile_count > 1
),

figures as (
    select
        build_id,
        run_id,
        stack_id,
        sum(value) filter (where sample_type = 'alloc_space') as alloc_bytes,
        sum(value) filter (where sample_type = 'inuse_space') as inuse_bytes,
        0 as first_inuse_bytes,
    from heaps
    group by build_id, run_id, stack_id
    union all
    select
        firsts.build_id,
        firsts.run_id,
        samples.stack_id,
        0,
        0,
        sum(samples.value),
    from samples
    inner join firsts using (capture_id)
    where samples.sample_type = 'inuse_space'
    group by firsts.build_id, firsts.run_id, samples.stack_id
)

-- A path may go through several lines: the one that allocates most is shown.
select
    figures.build_id,
    figures.run_id,
    sites.path_id,
    any_value(sites.function) as function,
    first(sites.file order by figures.alloc_bytes desc nulls last, sites.line) as file,
    first(sites.line order by figures.alloc_bytes desc nulls last, sites.line) as line,
    any_value(sites.leaf_function) as leaf_function,
    any_value(sites.callers) as callers,
    coalesce(sum(figures.alloc_bytes), 0)::bigint as alloc_bytes,
    coalesce(sum(figures.inuse_bytes), 0)::bigint as inuse_bytes,
    case
        when any_value(grown.run_id) is not null
            then coalesce(sum(figures.inuse_bytes), 0) - sum(figures.first_inuse_bytes)
    end::bigint as run_growth_bytes,
from figures
inner join sites
    on sites.build_id = figures.build_id
    and sites.stack_id = figures.stack_id
left join grown
    on grown.build_id = figures.build_id
    and grown.run_id = figures.run_id
group by figures.build_id, figures.run_id, sites.path_id
