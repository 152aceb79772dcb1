-- How much each build's runs had to do, for figures that depend on it: load, amount of work or duration.
-- grain: build_id, measure, condition
-- scope: history
-- Contention per unit of work depends on how many units a second brings; what is in use, on how many there were.
-- Where no work is counted, duration stands in, and the requests that traces of servers show tell the load: of fewer than
-- twenty they tell nothing. Memory allocated per unit of work depends on none of these.
with

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
    where load_dependence in ('rate', 'amount') or (load_dependence = 'duration' and work_unit is null)
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
)

select
    build_id,
    measure,
    condition,
    unit,
    is_counted,
    bool_and(is_per_second) as is_per_second,
    median(value) as value,
    -- Of its runs.
    min(value) as least,
    max(value) as most,
from run_loads
where value > 0
group by build_id, measure, condition, unit, is_counted
-- Runs of one build that count work beside runs that do not are told by the former.
qualify is_counted or not bool_or(is_counted) over (partition by build_id, measure)
