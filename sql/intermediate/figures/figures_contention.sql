-- Contention as mutex and block profiles have it: who held the locks that others waited for, and who was blocked.
-- grain: build_id, run_id, metric, subject
-- scope: build
-- What waits for work is neither better nor worse, unless a request waits: then the time counts, not how often, as in
-- int_wait_kinds.
with

summed as (
    select * from int_summed_profiles
    where kind in ('mutex', 'block')
),

samples as (
    select * from stg_profile_samples
),

sites as (
    select * from int_stack_sites
),

sampled as (
    select
        summed.build_id,
        summed.run_id,
        summed.kind,
        samples.sample_type,
        sites.function,
        summed.sign * samples.value as value,
        sites.is_user_code and (summed.kind = 'mutex' or not sites.waits_for_work) as is_contention,
        is_contention and summed.kind = 'block' and sites.waits_for_request as is_of_request,
    from samples
    inner join summed
        on summed.summed_id = samples.capture_id
        and summed.sample_type = samples.sample_type
    inner join sites
        on sites.build_id = summed.build_id
        and sites.stack_id = samples.stack_id
)

select
    build_id,
    run_id,
    kind || if(sample_type = 'delay', '_delay_ns', '_contentions') as metric,
    case when is_of_request then 'within a request' when kind = 'block' and not is_contention then 'waiting for work' end
        as wait_reason,
    function || coalesce(' (' || wait_reason || ')', '') as subject,
    function,
    sum(value)::double as value,
    if(sample_type = 'contentions', sqrt(sum(value)), null) as standard_error,
    kind || ' profile' as evidence,
    (is_contention and not (is_of_request and sample_type = 'contentions'))::int as polarity,
from sampled
where function is not null
group by build_id, run_id, kind, sample_type, function, is_contention, is_of_request
having sum(value) > 0
