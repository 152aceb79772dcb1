-- What regressions are found in: each figure of each run, per unit of work where the run counts it.
-- grain: build_id, run_id, metric, subject
-- scope: history
-- A site that a run does not have gives no row: whether that means zero is for the detection to say, by what the
-- run's captures could have shown. What capturing itself costs, as pprof and traces do, is neither better nor worse.
-- Nor is what code of tests costs, as a benchmark's set-up, unless it leaks or races: the benchmarks tell what they measure.
-- Nor is a benchmark's figure where a build has it below zero (int_below_zero).
with

figures as (
    select * from int_figures
),

described as (
    select * from int_metrics
),

measures as (
    select * from int_run_measures
),

below_zero as (
    select * from int_below_zero
),

-- A benchmark's unit has one polarity in all builds: what the Unit lines of any say, where they agree.
units as (
    select metric, if(min(polarity) = max(polarity), min(polarity), 0) as polarity,
    from figures_benchmarks
    group by metric
),

test_functions as (
    select * from int_test_functions
)

select
    figures.build_id,
    figures.run_id,
    figures.metric,
    figures.subject,
    figures.function,
    figures.wait_reason,
    figures.calling_function,
    case when described.is_sum then figures.value / measures.divisor else figures.value end as value,
    case when described.is_sum then figures.standard_error / measures.divisor else figures.standard_error end
        as standard_error,
    case
        when described.is_sum and measures.per is not null then described.unit || '/' || measures.per
        else described.unit
    end as unit,
    case
        when below_zero.metric is not null then 0
        when regexp_matches(figures.function, '^((net/http|runtime)/pprof|runtime/trace)\.|^runtime\.(\(\*)?trace') then 0
        when test_functions.function is not null and not described.is_fault then 0
        else coalesce(units.polarity, figures.polarity, described.polarity)::int
    end as polarity,
    described.measure,
    figures.evidence,
from figures
inner join described using (metric)
left join units using (metric)
left join test_functions
    on test_functions.build_id = figures.build_id
    and test_functions.function = figures.function
left join below_zero
    on below_zero.build_id = figures.build_id
    and below_zero.metric = figures.metric
    and below_zero.subject = figures.subject
inner join measures
    on measures.build_id = figures.build_id
    and measures.run_id = figures.run_id
    and measures.measure = described.measure
