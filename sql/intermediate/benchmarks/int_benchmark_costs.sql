-- What each stack below a benchmark costs one of its operations: CPU time, bytes and objects allocated.
-- grain: build_id, run_id, metric, benchmark, stack_id
-- scope: build
-- A profile has more than the iterations that the benchmark tells: go test feels its way to their number. All of them
-- allocate B/op bytes each, so that a stack's share of all that is allocated below the benchmark is its share of B/op. They
-- take CPU time, of which ns/op is a bound and no measure, as the benchmark may wait, or others use the processors: they
-- are as many as the benchmark tells, or as many as one goroutine must have made to take so much at ns/op.
-- What is set up below the benchmark, and not told by it, passes for iterations. Where that may be more than they are, in each
-- of a build's runs, nothing is known of one operation; else it is part of the doubt: over the square, as if
-- all numbers of iterations between those that are told and those that are seen were as likely.
-- variance: of the sampling. benchmark_value and benchmark_variance are of all stacks below the benchmark.
with

captures as (
    select * from int_counted_captures
),

samples as (
    select * from stg_profile_samples
),

heaps as (
    select * from int_heap_samples
),

paths as (
    select * from int_benchmark_paths
),

operations as (
    select * from int_benchmark_operations
),

sampled as (
    select captures.build_id, captures.run_id, 'sec/op' as unit, samples.stack_id, sum(samples.value)::double as value,
        sum(samples.value::double * greatest(samples.sampling_period, 1)) as variance,
    from samples
    inner join captures using (capture_id)
    where captures.kind = 'cpu' and samples.sample_type = 'cpu' and samples.value > 0
    group by captures.build_id, captures.run_id, samples.stack_id
    union all
    select build_id, run_id, if(sample_type = 'alloc_space', 'B/op', 'allocs/op'), stack_id, value::double, variance,
    from heaps
    where sample_type in ('alloc_space', 'alloc_objects')
),

below as (
    select sampled.*, paths.benchmark, paths.is_of_its_goroutine,
    from sampled
    inner join paths
        on paths.build_id = sampled.build_id
        and paths.stack_id = sampled.stack_id
),

sums as (
    select build_id, run_id, benchmark, unit, sum(value) as value,
        coalesce(sum(value) filter (where is_of_its_goroutine), 0) as value_of_its_goroutine,
    from below
    group by build_id, run_id, benchmark, unit
),

-- How many iterations each part of a profile makes, and how many times those that are told.
counted as (
    select
        sums.build_id,
        sums.run_id,
        sums.benchmark,
        sums.unit,
        operations.doubt,
        if(
            sums.unit = 'sec/op',
            greatest(
                operations.iterations,
                sums.value_of_its_goroutine / operations.value,
                sums.value / operations.procs / operations.value
            ),
            sums.value / operations.value
        ) as iterations,
        case sums.unit
            when 'sec/op' then sums.value_of_its_goroutine / operations.value / operations.iterations
            when 'B/op' then sums.value / operations.value / operations.iterations
        end as times_told,
    from sums
    inner join operations using (build_id, run_id, benchmark, unit)
    where operations.value > 0
),

-- Bytes tell that of objects, too.
weighed as (
    select *, max(times_told) over (partition by build_id, run_id, benchmark, unit = 'sec/op') as most_times_told,
    from counted
),

judged as (
    select *
    from weighed
    qualify min(most_times_told) over (partition by build_id, benchmark, unit = 'sec/op') <= 2
),

costs as (
    select
        below.build_id,
        below.run_id,
        case below.unit
            when 'sec/op' then 'benchmark_cpu_ns'
            when 'B/op' then 'benchmark_alloc_bytes'
            else 'benchmark_alloc_objects'
        end as metric,
        below.benchmark,
        below.stack_id,
        below.value / judged.iterations as value,
        below.variance / pow(judged.iterations, 2) as variance,
        judged.doubt + pow(ln(greatest(judged.most_times_told, 1)), 2) / 12 as doubt,
    from below
    inner join judged using (build_id, run_id, benchmark, unit)
)

select
    *,
    list_sum(list_sort(list(value) over benchmark)) as benchmark_value,
    list_sum(list_sort(list(variance) over benchmark)) as benchmark_variance,
from costs
window benchmark as (partition by build_id, run_id, metric, benchmark)
