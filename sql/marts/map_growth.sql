-- What assigning to maps cost in each line, and the part of it that was growing: what a size given to make would save.
-- grain: build_id, file, line
-- scope: build
-- Growing can't be told from inserting in a protobuf heap profile, which hides the runtime's frames; so bytes are of
-- debug=1 profiles with their binary, time on CPU of CPU profiles, assists of traces, each null where no run has such.
-- Means over the runs that have. To Go 1.23 a map grows by hashGrow, growWork, evacuate and newoverflow, from 1.24 by
-- growToTable, rehash, grow and split.
-- DuckDB's own: list_filter with a lambda, list slices.
with

captures as (
    select * from int_counted_captures
),

samples as (
    select * from stg_profile_samples
),

assignments as (
    select * from int_text_assignments
),

ranges as (
    select * from stg_trace_ranges
),

stacks as (
    select * from stg_stacks
),

sites as (
    select * from int_stack_sites
),

-- Allocations count from the start of the process: its last profile has them all.
texts as (
    select build_id, run_id,
        last(capture_id order by captured_at nulls first, natural_order(path)) as capture_id,
    from captures
    where format = 'legacy_profile'
        and kind in ('heap_text', 'allocs_text')
    group by build_id, run_id, process
),

allocated as (
    select texts.build_id, samples.stack_id, 'bytes' as cost, samples.value,
        assignments.growth_callee is not null as is_growth,
    from texts
    inner join assignments on assignments.capture_id = texts.capture_id
    inner join samples
        on samples.capture_id = assignments.capture_id
        and samples.sample_index = assignments.sample_index
    where samples.sample_type = 'alloc_space'
),

timed as (
    select captures.build_id, samples.stack_id, 'cpu' as cost, samples.value,
    from samples
    inner join captures using (capture_id)
    where samples.sample_type = 'cpu'
        and samples.unit = 'ns'
    union all
    select captures.build_id, ranges.stack_id, 'assist', ranges.duration_ns,
    from ranges
    inner join captures using (capture_id)
    where ranges.name = 'GC mark assist'
),

-- The runtime's frames of stacks that have them; what a method of sync.Map does is no assignment of the program.
named as (
    select
        timed.*,
        list_filter(stacks.functions, lambda f: regexp_matches(f, '^(runtime|reflect)\.mapassign')) as assigns,
        list_filter(stacks.functions, lambda f: regexp_matches(
            f,
            '^(runtime\.(hashGrow|growWork|evacuate|\(\*hmap\)\.newoverflow)'
            || '|internal/runtime/maps\.(\(\*Map\)\.growToTable|\(\*table\)\.(rehash|grow|split)))'
        )) as grows,
    from timed
    inner join (select distinct stack_id, functions from stacks) as stacks using (stack_id)
),

costs as (
    select build_id, stack_id, cost, value, is_growth from allocated
    union all
    select build_id, stack_id, cost, value, len(grows) > 0
    from named
    where len(assigns) > 0
),

runs as (
    select build_id, 'bytes' as cost, count(distinct run_id) as runs from texts group by build_id
    union all
    select build_id, case kind when 'cpu' then 'cpu' else 'assist' end, count(distinct run_id)
    from captures
    where kind in ('cpu', 'trace', 'flight')
    group by build_id, kind
),

spread as (
    select build_id, max(runs) filter (where cost = 'bytes') as text_runs,
        max(runs) filter (where cost = 'cpu') as cpu_runs, max(runs) filter (where cost = 'assist') as trace_runs,
    from runs
    group by build_id
),

by_line as (
    select
        costs.build_id,
        sites.file,
        sites.line,
        arg_max(sites.function, costs.value) as function,
        coalesce(sum(costs.value) filter (where costs.cost = 'bytes'), 0) as alloc_bytes,
        coalesce(sum(costs.value) filter (where costs.cost = 'bytes' and costs.is_growth), 0) as growth_bytes,
        coalesce(sum(costs.value) filter (where costs.cost = 'cpu'), 0) as cpu_ns,
        coalesce(sum(costs.value) filter (where costs.cost = 'cpu' and costs.is_growth), 0) as growth_cpu_ns,
        coalesce(sum(costs.value) filter (where costs.cost = 'assist'), 0) as assist_ns,
        coalesce(sum(costs.value) filter (where costs.cost = 'assist' and costs.is_growth), 0) as growth_assist_ns,
    from costs
    inner join sites
        on sites.build_id = costs.build_id
        and sites.stack_id = costs.stack_id
    where sites.file is not null
        and sites.sync_map_call is null
    group by costs.build_id, sites.file, sites.line
)

select
    by_line.build_id,
    by_line.file,
    by_line.line,
    by_line.function,
    round(by_line.alloc_bytes / spread.text_runs)::bigint as alloc_bytes,
    round(by_line.growth_bytes / spread.text_runs)::bigint as growth_bytes,
    round(by_line.cpu_ns / spread.cpu_runs)::bigint as cpu_ns,
    round(by_line.growth_cpu_ns / spread.cpu_runs)::bigint as growth_cpu_ns,
    round(by_line.assist_ns / spread.trace_runs)::bigint as assist_ns,
    round(by_line.growth_assist_ns / spread.trace_runs)::bigint as growth_assist_ns,
from by_line
inner join spread using (build_id)
