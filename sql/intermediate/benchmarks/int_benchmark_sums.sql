-- What each function costs one operation of each of its benchmarks together, of itself and with all that it calls.
-- grain: build_id, run_id, metric, is_with_all_below, function
-- scope: history
-- Always of the same benchmarks, those of the first build that shows the function: one more, or one without a figure, would
-- change the sum. A run in which one of these has no figure has no sum.
with

sites as (
    select * from figures_benchmark_profiles
),

callers as (
    select * from int_benchmark_caller_costs
),

costs as (
    select * from int_benchmark_costs
),

programs as (
    select * from int_run_programs
),

build_order as (
    select * from builds
    where is_ordered
),

parts as (
    select build_id, run_id, metric, false as is_with_all_below, function, calling_function as benchmark, value,
        pow(standard_error, 2) as variance,
    from sites
    union all
    select build_id, run_id, metric, true, function, benchmark, value, variance,
    from callers
),

placed as (
    select parts.*, coalesce(programs.program, '') as program, build_order.ordinal,
    from parts
    inner join build_order using (build_id)
    left join programs using (build_id, run_id)
),

firsts as (
    select metric, is_with_all_below, function, program, benchmark,
        count(*) over (partition by metric, is_with_all_below, function, program) as benchmark_count,
    from (
        select distinct metric, is_with_all_below, function, program, benchmark,
        from placed
        qualify ordinal = min(ordinal) over (partition by metric, is_with_all_below, function, program)
    )
),

-- The benchmarks of each run of which there are figures.
told as (
    select distinct costs.build_id, costs.run_id, costs.metric, costs.benchmark, coalesce(programs.program, '') as program,
    from costs
    left join programs using (build_id, run_id)
)

select
    told.build_id,
    told.run_id,
    told.metric,
    firsts.is_with_all_below,
    firsts.function,
    list_sum(list_sort(list(placed.value))) as value,
    list_sum(list_sort(list(placed.variance))) as variance,
from told
inner join firsts
    on firsts.metric = told.metric
    and firsts.program = told.program
    and firsts.benchmark = told.benchmark
left join placed
    on placed.build_id = told.build_id
    and placed.run_id = told.run_id
    and placed.metric = told.metric
    and placed.is_with_all_below = firsts.is_with_all_below
    and placed.function = firsts.function
    and placed.benchmark = told.benchmark
group by told.build_id, told.run_id, told.metric, firsts.is_with_all_below, firsts.function
having count(*) = any_value(firsts.benchmark_count) and count(placed.value) > 0
