-- Changes, known or suspected, that follow from how often benchmarks went around: given a time, a faster one costs more in all.
-- grain: metric, first_subject, ordinal
-- scope: history
-- What a run did is not counted then, and the iterations of the benchmarks below which the function runs stand in, of a
-- function below none those of its program. They explain a change that is no greater than theirs; of sums over the process's life, of
-- which they are the last part (go test feels its way with fewer), and where they changed twofold, one up to twice as great,
-- and then as far as the change's own standard error tells.
-- Benchmarks that are told how often (-benchtime 5000x) explain nothing, nor does what a run counts (run.json).
-- What a function costs an operation does not follow from them, but where it moved between what the benchmark itself calls,
-- that went around more often or less: then what it sets up, which passes for iterations, has another share.
-- is_judged_per_operation: what the function costs an operation of the benchmark is judged at that build.
with

history as not materialized (
    select * from regression_history
),

measures as (
    select * from int_run_measures
    where is_comparable and work_unit is null
        and (load_dependence <> 'none' or measure in ('benchmark_cpu', 'benchmark_alloc'))
),

iterations as (
    select * from int_iterations
),

series as (
    select * from int_series
),

programs as (
    select * from int_series_programs
),

below as (
    select distinct function, benchmark from int_benchmark_stacks
),

rules as (
    select * from detection_rules
),

shifts as (
    select * from int_cost_shifts
),

per_operation as (
    select distinct metric, function, calling_function as benchmark, ordinal,
    from history
    where measure in ('benchmark_cpu', 'benchmark_alloc') and p_value is not null
),

uncounted as (
    select build_id, measure, bool_and(coalesce(per = 's', false)) as is_per_second,
    from measures
    group by build_id, measure
),

shown_by as (
    select series.metric, series.first_subject, programs.program,
    from series
    inner join programs using (metric, series_number)
),

-- What is only suspected is of a build that is still on the level before it, or may be no more.
changed as (
    select
        history.*,
        uncounted.is_per_second,
        if(history.is_change, history.level_before, history.level_number) as earlier_level,
        if(history.is_change or history.may_change, history.change_log_ratio, history.log_change) as log_ratio,
        if(history.is_change or history.may_change, history.change_log_standard_error, history.log_standard_error)
            as log_error,
        if(history.is_change or history.may_change, history.change_before, history.expected) as "before",
        if(history.is_change or history.may_change, history.change_after, history.value) as "after",
    from history
    inner join uncounted using (build_id, measure)
    cross join rules
    where history.function is not null
        and (history.is_change or history.may_change or history.q_value <= rules.suspected_share)
),

-- How often each benchmark went around at the change, and at the builds of the level before.
beside as (
    select
        changed.metric,
        changed.first_subject,
        changed.ordinal,
        here.benchmark,
        here.name,
        any_value(here.iterations) as iterations,
        median(earlier.iterations) as iterations_before,
        min(earlier.least) < max(here.most) or min(here.least) < max(earlier.most) as is_chosen,
    from changed
    inner join iterations as here using (build_id)
    inner join history as before
        on before.metric = changed.metric
        and before.first_subject = changed.first_subject
        and before.level_number = changed.earlier_level
        and before.ordinal < changed.ordinal
    inner join iterations as earlier
        on earlier.build_id = before.build_id
        and earlier.program = here.program
        and earlier.benchmark = here.benchmark
        and earlier.name = here.name
    where here.benchmark in (select benchmark from below where below.function = changed.function)
        or (
            changed.function not in (select function from below)
            and (
                here.program = ''
                or (changed.metric, changed.first_subject, here.program) in (
                    select (metric, first_subject, program) from shown_by
                )
            )
        )
    group by changed.metric, changed.first_subject, changed.ordinal, here.benchmark, here.name
),

-- The one that explains most of a change.
explaining as (
    select
        changed.metric,
        changed.first_subject,
        changed.ordinal,
        any_value(changed.log_ratio) as log_ratio,
        coalesce(any_value(changed.log_error), 0) as log_error,
        any_value(changed.is_per_second) as is_per_second,
        any_value(changed.measure) in ('benchmark_cpu', 'benchmark_alloc') as is_per_operation,
        max(greatest(sign(changed.log_ratio) * ln(beside.iterations / beside.iterations_before), 0)) as explained,
        arg_max(
            beside, (sign(changed.log_ratio) * ln(beside.iterations / beside.iterations_before), beside.name)
        ) as benchmark,
    from changed
    inner join beside using (metric, first_subject, ordinal)
    where beside.is_chosen
        and (
            changed.measure not in ('benchmark_cpu', 'benchmark_alloc')
            or changed.calling_function is null
            or changed.calling_function = beside.benchmark
        )
    group by changed.metric, changed.first_subject, changed.ordinal
)

select
    changed.metric,
    changed.first_subject,
    changed.ordinal,
    changed.build_id,
    changed.subject,
    changed.unit,
    changed.is_change,
    changed."before",
    changed."after",
    'Benchmark' || explaining.benchmark.name as benchmark,
    explaining.benchmark.iterations_before as iterations_before,
    explaining.benchmark.iterations as iterations,
    exists (
        select 1
        from per_operation
        where per_operation.function = changed.function
            and coalesce(per_operation.benchmark, explaining.benchmark.benchmark) = explaining.benchmark.benchmark
            and per_operation.ordinal = changed.ordinal
            and per_operation.metric = case
                when changed.metric = 'cpu_ns' then 'benchmark_cpu_ns'
                when ends_with(changed.metric, 'alloc_bytes') then 'benchmark_alloc_bytes'
                when ends_with(changed.metric, 'alloc_objects') then 'benchmark_alloc_objects'
            end
    ) as is_judged_per_operation,
from explaining
inner join changed using (metric, first_subject, ordinal)
cross join rules
where if(
    explaining.is_per_operation,
    abs(ln(explaining.benchmark.iterations / explaining.benchmark.iterations_before)) >= ln(rules.least_load_ratio)
        and (changed.metric, changed.first_subject, changed.ordinal) in (
            select (metric, first_subject, ordinal) from shifts
            where regexp_matches(caller, '\.Benchmark([^a-z./][^./]*)?( from |$)')
        ),
    abs(explaining.log_ratio) <= explaining.explained
        + if(
            not explaining.is_per_second or explaining.explained >= ln(rules.load_ratio), ln(rules.load_ratio), 0
        )
        + if(explaining.explained >= ln(rules.load_ratio), 2 * explaining.log_error, 0)
)
