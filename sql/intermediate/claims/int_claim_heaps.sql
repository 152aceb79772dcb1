-- What heap profiles and dumps of the claims lab's leak show: where its bytes are, and whether they lead to it.
-- grain: build_id, claim_id, figure
-- scope: build
-- DuckDB's own: list_has_any, lambdas over a stack's functions.
with

captures as (
    select * from int_claim_captures
),

samples as (
    select * from stg_profile_samples
),

dumped as (
    select * from stg_goroutine_dump
),

stacks as (
    select * from stg_stacks
),

sites as (
    select * from int_stack_sites
),

sampled as (
    select captures.build_id, captures.run_id, samples.sample_type, samples.stack_id, sum(samples.value) as value,
    from samples
    inner join captures using (capture_id)
    where captures.kind = 'heap'
        and samples.sample_type in ('alloc_space', 'inuse_space')
    group by all
),

dump_stacks as (
    select captures.build_id, captures.run_id, dumped.goroutine_id, dumped.stack_id,
    from dumped
    inner join captures using (capture_id)
    where captures.crash is null
),

frames as (
    select stack_id, any_value(functions) as functions,
    from stacks
    where stack_id in (select stack_id from sampled union select stack_id from dump_stacks)
    group by stack_id
),

-- The leak is claimslab/leak.Decode: the innermost user code of all that is kept.
placed as (
    select
        sampled.*,
        sites.function,
        sites.callers,
        sites.function = 'claimslab/leak.Decode' as is_leak,
        len(list_filter(frames.functions, lambda f: starts_with(f, 'reflect.mapassign'))) > 0 as is_reflect_assign,
        len(list_filter(frames.functions, lambda f: f = 'reflect.Value.Convert')) > 0 as is_convert,
    from sampled
    inner join frames using (stack_id)
    inner join sites
        on sites.build_id = sampled.build_id
        and sites.stack_id = sampled.stack_id
),

by_function as (
    select build_id, run_id, sample_type, function, bool_or(is_leak) as is_leak, sum(value) as value,
    from placed
    group by build_id, run_id, sample_type, function
),

ranked as (
    select *, rank() over (partition by build_id, run_id, sample_type order by value desc) as place,
    from by_function
),

leak_callers as (
    select distinct build_id, run_id, unnest(callers) as caller,
    from placed
    where is_leak
),

-- Goroutines in a function that called the leak.
holders as (
    select leak_callers.build_id, leak_callers.run_id, count(distinct dump_stacks.goroutine_id) as goroutine_count,
    from leak_callers
    left join (
        select dump_stacks.*, unnest(frames.functions) as function,
        from dump_stacks
        inner join frames using (stack_id)
    ) as dump_stacks
        on dump_stacks.build_id = leak_callers.build_id
        and dump_stacks.run_id = leak_callers.run_id
        and dump_stacks.function = leak_callers.caller
    group by leak_callers.build_id, leak_callers.run_id
),

has_dump as (
    select distinct build_id, run_id
    from dump_stacks
),

measured as (
    select build_id, run_id, 'reflect-mapassign-share' as claim_id, 'share under Convert and mapassign' as figure,
        coalesce(sum(value) filter (where is_convert and is_reflect_assign), 0) / sum(value) as value,
        'heap' as evidence,
    from placed
    where sample_type = 'inuse_space'
    group by build_id, run_id
    union all
    select build_id, run_id, 'reflect-mapassign-share', 'share under mapassign',
        coalesce(sum(value) filter (where is_reflect_assign), 0) / sum(value), 'heap',
    from placed
    where sample_type = 'inuse_space'
    group by build_id, run_id
    union all
    select build_id, run_id, 'json-nested-leak', 'map bytes in use',
        coalesce(sum(value) filter (where is_leak and is_reflect_assign), 0), 'heap',
    from placed
    where sample_type = 'inuse_space'
    group by build_id, run_id
    union all
    select build_id, run_id, 'four-steps', sample_type || ' place', place, 'heap',
    from ranked
    where is_leak
    union all
    select build_id, run_id, 'four-steps', 'goroutines in the leak', goroutine_count, 'goroutine_dump',
    from holders
    inner join has_dump using (build_id, run_id)
    union all
    select build_id, run_id, 'four-steps', 'share of assigned bytes that lives',
        sum(value) filter (where sample_type = 'inuse_space') / sum(value) filter (where sample_type = 'alloc_space'),
        'heap',
    from placed
    where is_leak
        and is_reflect_assign
    group by build_id, run_id
)

select
    build_id,
    claim_id,
    figure,
    median(value)::double as value,
    min(value)::double as low,
    max(value)::double as high,
    count(*) as sample_count,
    any_value(evidence) as evidence,
from measured
where value is not null
group by build_id, claim_id, figure
