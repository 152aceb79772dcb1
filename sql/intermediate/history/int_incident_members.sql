-- The incident that each verdict belongs to: verdicts of a build that one cause explains.
-- grain: build_id, metric, subject
-- scope: history
-- Verdicts on the same function, or on a function and its direct caller, have one cause. What feels the costs of sites
-- (a benchmark, a task, a caller's sum, the whole program) belongs to the build's greatest incident that can explain
-- it: one that went the same way, or any where it only follows from another load. A regression never hides in an
-- incident that is none.
with recursive

verdicts as (
    select * from int_verdicts
),

described as (
    select * from int_metrics
),

calls as (
    select * from int_user_calls
),

-- weight: how many times the smallest amount worth a word.
weighed as (
    select
        verdicts.*,
        described.place,
        described.lead_order,
        abs(verdicts.after - verdicts.before) / verdicts.negligible as weight,
        verdicts.function is not null and described.place = 'site' as is_site,
    from verdicts
    inner join described using (metric)
),

functions as (
    select distinct build_id, function,
    from weighed
    where is_site
),

linked as (
    select functions.build_id, functions.function, calls.calling_function as other,
    from functions
    inner join calls
        on calls.build_id = functions.build_id
        and calls.function = functions.function
    semi join functions as callers
        on callers.build_id = functions.build_id
        and callers.function = calls.calling_function
),

both_ways as (
    select build_id, function, other from linked
    union
    select build_id, other, function from linked
),

reached as (
    select build_id, function, function as other,
    from functions
    union
    select reached.build_id, reached.function, both_ways.other,
    from reached
    inner join both_ways
        on both_ways.build_id = reached.build_id
        and both_ways.function = reached.other
),

causes as (
    select build_id, function, min(other) as cause,
    from reached
    group by build_id, function
),

site_members as (
    select weighed.build_id, weighed.metric, weighed.subject, weighed.status, causes.cause, weighed.weight,
    from weighed
    inner join causes
        on causes.build_id = weighed.build_id
        and causes.function = weighed.function
    where weighed.is_site
),

site_incidents as (
    select build_id, cause, max(weight) as weight,
        arg_min(status, verdict_statuses.lead_order) as status,
    from site_members
    inner join verdict_statuses using (status)
    group by build_id, cause
),

-- Without an incident that explains it, what sites cost others is one incident by itself.
derived_members as (
    select
        weighed.build_id,
        weighed.metric,
        weighed.subject,
        coalesce(
            arg_max(site_incidents.cause, (site_incidents.status = weighed.status, site_incidents.weight)),
            'derived ' || any_value(weighed.status)
        ) as cause,
    from weighed
    left join site_incidents
        on site_incidents.build_id = weighed.build_id
        and (
            site_incidents.status = weighed.status
            or (weighed.status = 'not_comparable' and site_incidents.status in ('regressed', 'improved'))
            or (weighed.status = 'improved' and site_incidents.status = 'regressed')
        )
    where not weighed.is_site
    group by weighed.build_id, weighed.metric, weighed.subject
),

members as (
    select build_id, metric, subject, cause from site_members
    union all
    select build_id, metric, subject, cause from derived_members
),

rated as (
    select
        members.*,
        weighed.* exclude (build_id, metric, subject),
        verdict_statuses.lead_order as severity,
    from members
    inner join weighed using (build_id, metric, subject)
    inner join verdict_statuses using (status)
)

-- What names the cause best leads: a site before what feels it, then by the order of the metrics; a caller's part of a
-- shared helper only where the helper itself has no such verdict.
select
    build_id,
    metric,
    subject,
    substr(md5(build_id || ' ' || cause), 1, 8) as incident_id,
    row_number() over (
        partition by build_id, cause
        order by severity, place <> 'site', lead_order, calling_function is not null, weight desc, subject
    ) as member_rank,
    severity,
    weight,
from rated
