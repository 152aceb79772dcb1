-- How much each build's runs had to do, for figures that depend on it, and how they had to share the processors.
-- grain: build_id, measure, condition
-- scope: history
-- Contention per unit of work depends on how many units a second brings; what is in use, on how many there were.
-- Where no work is counted, duration stands in, and the requests that traces of servers show tell the load: of fewer than
-- twenty they tell nothing. Memory allocated per unit of work depends on none of these.
-- A trace shows for how long goroutines ran by the clock, CPU profiles of the same run for how much CPU time: where others use
-- the processors the former is longer, and so is whatever is measured by the clock. Of load_ratio times as much it is another load.
with

sources as (
    select * from metric_sources
),

rules as (
    select * from detection_rules
),

observed as (
    select * from observations
    where metric in ('running_ns', 'process_cpu_ns')
),

measures as (
    select * from int_run_measures
    where is_comparable
),

requests as (
    select * from int_run_requests
    where request_count >= 20
),

run_loads as (
    select
        build_id,
        measure,
        work_unit is not null as is_counted,
        coalesce(per = 's', false) as is_per_second,
        case
            when work_unit is null then 'duration'
            when load_dependence = 'rate' then 'load'
            else 'amount of work'
        end as condition,
        case
            when work_unit is null then duration_ns / 1e9
            -- Captures of several processes last as long together as each of them times their number.
            when load_dependence = 'rate' then work_count * if(observed_seconds > 0, processes, 1) / (duration_ns / 1e9)
            else work_count
        end as value,
        case
            when work_unit is null then 's'
            when load_dependence = 'rate' then work_unit || '/s'
            else work_unit
        end as unit,
    from measures
    where load_dependence in ('rate', 'amount') or (load_dependence = 'duration' and work_unit is null and per is null)
    union all by name
    select
        measures.build_id,
        measures.measure,
        false as is_counted,
        coalesce(measures.per = 's', false) as is_per_second,
        'load' as condition,
        requests.request_count / (requests.duration_ns / 1e9) as value,
        'requests/s, by its traces' as unit,
    from measures
    inner join requests using (build_id, run_id)
    where measures.work_unit is null and measures.load_dependence <> 'none'
),

loads as (
    select
        build_id,
        measure,
        condition,
        unit,
        is_counted,
        bool_and(is_per_second) as is_per_second,
        median(value) as value,
        min(value) as least,
        max(value) as most,
    from run_loads
    where value > 0
    group by build_id, measure, condition, unit, is_counted
    -- Runs of one build that count work beside runs that do not are told by the former.
    qualify is_counted or not bool_or(is_counted) over (partition by build_id, measure)
),

-- Of runs that have both, each by the time that it saw.
run_clocks as (
    select
        observed.build_id,
        observed.run_id,
        sum(observed.value * measures.divisor / measures.observed_seconds) filter (where observed.metric = 'running_ns')
            / sum(observed.value * measures.divisor / measures.observed_seconds)
                filter (where observed.metric = 'process_cpu_ns') as value,
        -- CPU time is known to a sample.
        sum(observed.value / observed.standard_error) filter (where observed.metric = 'process_cpu_ns') as samples,
    from observed
    inner join measures using (build_id, run_id, measure)
    where measures.observed_seconds > 0
    group by observed.build_id, observed.run_id
    having value > 0
),

clocks as (
    select build_id, median(value) as value, min(value) as least, max(value) as most,
    from run_clocks
    group by build_id
    having sum(samples) >= any_value((select least_cpu_samples from rules))
)

select *, (select load_ratio from rules) as load_ratio,
from loads
union all by name
select
    clocks.build_id,
    measures.measure,
    'time on processors' as condition,
    's a CPU second' as unit,
    true as is_counted,
    false as is_per_second,
    clocks.value,
    -- Of its runs.
    clocks.least,
    clocks.most,
    (select clock_ratio from rules) as load_ratio,
from clocks
inner join (select distinct build_id, measure from measures) as measures using (build_id)
inner join sources on sources.measure = measures.measure and sources.is_by_clock
