-- The incident that each verdict belongs to: verdicts that begin at one build and that one cause explains.
-- grain: build_id, metric, subject
-- scope: history
-- Verdicts on the same function, on a function and its caller or that one's caller, on one that waits and on the one that
-- holds what it waits for, of contention in methods of one type, on functions that are reached through one alone that changed
-- as much, or through which few others are, or on how many goroutines begin in a function and how many its starter started,
-- have one cause. What feels the costs of sites (a benchmark, a task, a caller's sum, the whole program) belongs to the
-- build's greatest incident that can explain it, before others to that of its own function or of what it calls: one that
-- went the same way, of changes that were taken back one that began as it did, or any where it only follows from another
-- load. A benchmark has no part in what runs below other benchmarks and not below it; without any such incident those of one package
-- are one. A regression never hides in an incident that is none. What only a later build makes certain joins the incident that
-- was known before, if that is at least as grave; so do all that keep more memory, or use more CPU time, where the whole
-- program's was known before. A
-- series that no build shows where it was between two levels, as what maps allocated is unknown at times and runs of one
-- build differ too much to tell, may have changed at any of these: its change is that of another verdict on its function,
-- if one begins there; and so is what is known later, whose build is not certain. What is found later never takes an
-- incident's name away: it joins one, and of two that it links the first by name.
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

waits as (
    select * from int_lock_waits
),

starts as (
    select * from int_goroutine_starts
),

benchmark_stacks as (
    select * from int_benchmark_stacks
),

iterations as (
    select * from int_iterations
),

paths as (
    select * from int_changed_paths
),

-- Who holds what a function mostly waits for is the cause of that, as a callee is of what its caller costs.
holders as (
    select build_id, function, holder_function as other,
    from waits
    group by build_id, function, holder_function
    qualify holder_function <> function
        and sum(block_ns) >= 0.5 * sum(sum(block_ns)) over (partition by build_id, function)
),

relations as (
    select build_id, function, calling_function as other, false as is_held,
    from calls
    union
    select build_id, function, other, true as is_held,
    from holders
),

build_order as (
    select * from builds
),

history as (
    select * from regression_history
),

-- The last build before each change that shows its series where it was.
seen_before as (
    select verdicts.build_id, verdicts.metric, verdicts.subject, any_value(first_build.ordinal) as first_ordinal,
        max(history.ordinal) as last_ordinal,
    from verdicts
    inner join build_order as first_build on first_build.build_id = verdicts.first_build_id
    inner join history
        on history.metric = verdicts.metric
        and history.first_subject = verdicts.first_subject
        and history.ordinal < first_build.ordinal
    where abs(ln((history.value + verdicts.negligible) / (verdicts.before + verdicts.negligible)))
        <= abs(ln((history.value + verdicts.negligible) / (verdicts.after + verdicts.negligible)))
    group by verdicts.build_id, verdicts.metric, verdicts.subject
),

unseen as (
    select verdicts.build_id, verdicts.metric, verdicts.subject,
        arg_min(others.first_build_id, beginnings.ordinal) as origin_build_id,
    from verdicts
    inner join seen_before using (build_id, metric, subject)
    inner join verdicts as others
        on others.function = verdicts.function
        and others.status = verdicts.status
    inner join build_order as beginnings on beginnings.build_id = others.first_build_id
    where beginnings.ordinal > seen_before.last_ordinal
        and beginnings.ordinal < seen_before.first_ordinal
    group by all
),

-- At which build it begins is not certain of what is known later: where another of its function does, if that is nearby and
-- surer: known at once or before, of the whole function, greater.
placed as (
    select verdicts.*, first_build.ordinal as first_ordinal, known.ordinal,
        (verdicts.found = 'at_once', -known.ordinal, verdicts.calling_function is null,
            abs(verdicts.after - verdicts.before) / verdicts.negligible, verdicts.metric, verdicts.subject) as sureness,
    from verdicts
    inner join build_order as first_build on first_build.build_id = verdicts.first_build_id
    inner join build_order as known on known.build_id = verdicts.build_id
),

placed_by_others as (
    select ones.build_id, ones.metric, ones.subject, arg_max(others.first_build_id, others.sureness) as origin_build_id,
    from placed as ones
    inner join placed as others
        on others.function = ones.function
        and others.status = ones.status
        and others.sureness > ones.sureness
    where ones.found = 'later'
        and others.first_ordinal between ones.first_ordinal - 1 and ones.ordinal
    group by all
),

-- weight: how many times the smallest amount worth a word.
weighed as (
    select
        verdicts.*,
        build_order.ordinal,
        coalesce(unseen.origin_build_id, placed_by_others.origin_build_id, verdicts.first_build_id) as origin_build_id,
        described.place,
        described.family in ('waiting', 'contention') as is_contention,
        described.family = 'goroutines' as is_of_goroutines,
        described.family = 'waiting' and contains(verdicts.subject, '(chan send)') as is_of_senders,
        described.lead_order,
        verdict_statuses.lead_order as severity,
        abs(verdicts.after - verdicts.before) / verdicts.negligible as weight,
        verdicts.function is not null and described.place = 'site' as is_site,
    from verdicts
    inner join described using (metric)
    inner join build_order using (build_id)
    inner join verdict_statuses using (status)
    left join unseen using (build_id, metric, subject)
    left join placed_by_others using (build_id, metric, subject)
),

functions as (
    select origin_build_id, build_id, function, min(ordinal) as ordinal,
    from weighed
    where is_site
    group by all
),

-- At which build each was known first.
first_known as (
    select origin_build_id, function, min(ordinal) as ordinal,
    from functions
    group by origin_build_id, function
),

-- Links, each from the build on at which it and both its ends were known.
linked as (
    select functions.origin_build_id, functions.function, relations.other, relations.is_held,
        greatest(min(functions.ordinal), any_value(others.ordinal)) as since_ordinal,
    from functions
    inner join relations
        on relations.build_id in (functions.build_id, functions.origin_build_id)
        and relations.function = functions.function
    inner join first_known as others
        on others.origin_build_id = functions.origin_build_id
        and others.function = relations.other
    group by functions.origin_build_id, functions.function, relations.other, relations.is_held
),

-- A block profile tells who waits and a mutex profile who holds, but not what: most locks are in the receiver.
receivers as (
    select origin_build_id, function, regexp_extract(function, '^(.*?\(\*[^)]+\))\.', 1) as receiver,
        min(ordinal) as ordinal,
    from weighed
    where is_site and is_contention
    group by origin_build_id, function
),

-- A closure is code of its function; those of package variables have nothing in common.
closures as (
    select closures.origin_build_id, closures.function, outer_functions.function as other,
        greatest(closures.ordinal, outer_functions.ordinal) as since_ordinal,
    from first_known as closures
    inner join first_known as outer_functions
        on outer_functions.origin_build_id = closures.origin_build_id
        and outer_functions.function = regexp_extract(closures.function, '^(.*?)\.(func|gowrap|deferwrap)\d', 1)
),

-- The same goroutines are counted by where they begin and by who started them.
counted as (
    select origin_build_id, build_id, function, min(ordinal) as ordinal,
    from weighed
    where is_site and is_of_goroutines
    group by origin_build_id, build_id, function
),

started as (
    select counted.origin_build_id, counted.function, starters.function as other,
        greatest(min(counted.ordinal), min(starters.ordinal)) as since_ordinal,
    from counted
    inner join starts
        on starts.build_id in (counted.build_id, counted.origin_build_id)
        and starts.function = counted.function
    inner join counted as starters
        on starters.origin_build_id = counted.origin_build_id
        and starters.function = starts.started_by
    group by counted.origin_build_id, counted.function, starters.function
),

-- What is known of the whole before any part of it is: whatever parts are found later, they are of that.
wholes as (
    select origin_build_id, if(metric = 'heap_live_bytes', 'inuse', 'cpu_ns') as part, min(ordinal) as known_ordinal,
    from weighed
    where metric in ('heap_live_bytes', 'process_cpu_ns', 'runtime_cpu_per_second') and status = 'regressed'
    group by all
),

parts as (
    select weighed.origin_build_id, weighed.function, wholes.part, min(weighed.ordinal) as ordinal,
    from weighed
    inner join wholes
        on wholes.origin_build_id = weighed.origin_build_id
        and wholes.known_ordinal < weighed.ordinal
        and contains(weighed.metric, wholes.part)
    where weighed.is_site and weighed.status = 'regressed'
    group by weighed.origin_build_id, weighed.function, wholes.part
),

-- What is reached through a function that changed as much has the cause of that: each with the first of these.
reached_through as (
    select paths.origin_build_id, paths.function, first_known.ordinal as since_ordinal,
        first_value(paths.function) over (
            partition by paths.origin_build_id, paths.outer_function
            order by first_known.ordinal, paths.function
        ) as other,
    from paths
    inner join first_known using (origin_build_id, function)
    where paths.least_part >= 0.9 and (paths.is_as_much or paths.is_narrow)
),

one_way as (
    select origin_build_id, function, other, since_ordinal from linked
    union
    select origin_build_id, function, other, since_ordinal from closures
    union
    select origin_build_id, function, other, since_ordinal from started
    union
    select origin_build_id, function, other, since_ordinal from reached_through
),

both_ways as (
    select origin_build_id, function, other, since_ordinal from one_way
    union
    select origin_build_id, other, function, since_ordinal from one_way
    union
    select origin_build_id, ones.function, others.function, greatest(ones.ordinal, others.ordinal)
    from receivers as ones
    inner join receivers as others using (origin_build_id, receiver)
    where receiver <> ''
    union
    select origin_build_id, ones.function, others.function, greatest(ones.ordinal, others.ordinal)
    from parts as ones
    inner join parts as others using (origin_build_id, part)
),

-- Over what was known when the function was: links that are found later do not put two incidents together.
reached as (
    select origin_build_id, ordinal, function, function as other,
    from first_known
    union
    select reached.origin_build_id, reached.ordinal, reached.function, both_ways.other,
    from reached
    inner join both_ways
        on both_ways.origin_build_id = reached.origin_build_id
        and both_ways.function = reached.other
        and both_ways.since_ordinal <= reached.ordinal
),

causes as (
    select reached.origin_build_id, reached.function,
        arg_min(reached.other, (first_known.ordinal, reached.other)) as cause,
    from reached
    inner join first_known
        on first_known.origin_build_id = reached.origin_build_id
        and first_known.function = reached.other
    group by reached.origin_build_id, reached.function
),

site_members as (
    select weighed.*, causes.cause,
    from weighed
    inner join causes using (origin_build_id, function)
    where weighed.is_site
),

site_incidents as (
    select origin_build_id, cause, min(ordinal) as known_ordinal, max(weight) as weight,
        arg_min(status, severity) as status,
        bool_or(contains(metric, 'inuse')) as keeps_memory, bool_or(metric = 'cpu_ns') as uses_cpu,
        list(distinct as_before_build_id) as as_before_builds,
    from site_members
    group by origin_build_id, cause
),

-- The incidents that a function's verdicts are of, or those of functions that are reached through it.
causes_below as (
    select origin_build_id, function, cause, 2 as nearness,
    from causes
    union all
    select paths.origin_build_id, paths.outer_function, causes.cause, if(bool_or(paths.is_as_much), 1, 0) as nearness,
    from paths
    inner join causes using (origin_build_id, function)
    group by all
),

near_causes as (
    select origin_build_id, function, cause, max(nearness) as nearness,
    from causes_below
    group by origin_build_id, function, cause
),

-- The benchmarks below which an incident's functions run.
benches_of_causes as (
    select distinct causes.origin_build_id, causes.cause, benchmark_stacks.benchmark,
    from causes
    inner join benchmark_stacks using (function)
),

benched as (
    select distinct concat_ws('.', nullif(package, ''), name) as subject, package, benchmark,
    from iterations
),

-- Without an incident that explains it, what sites cost others is one incident by itself.
derived_causes as (
    select
        weighed.build_id,
        weighed.metric,
        weighed.subject,
        coalesce(
            arg_max(site_incidents.cause, (
                site_incidents.known_ordinal <= weighed.ordinal,
                site_incidents.status = weighed.status,
                coalesce(near_causes.nearness, -1),
                coalesce(list_contains(site_incidents.as_before_builds, weighed.as_before_build_id), false),
                case weighed.metric
                    when 'heap_live_bytes' then site_incidents.keeps_memory
                    when 'process_cpu_ns' then site_incidents.uses_cpu
                    when 'runtime_cpu_per_second' then site_incidents.uses_cpu
                    else false
                end,
                site_incidents.weight
            )),
            concat_ws(' ', 'derived', any_value(weighed.status), any_value(benched.package))
        ) as cause,
    from weighed
    left join benched
        on benched.subject = weighed.subject
        and starts_with(weighed.metric, 'bench ')
    left join site_incidents
        on site_incidents.origin_build_id = weighed.origin_build_id
        and (
            site_incidents.status = weighed.status
            or (weighed.status = 'not_comparable' and site_incidents.status in ('regressed', 'improved'))
            or (weighed.status = 'improved' and site_incidents.status = 'regressed')
        )
        and (
            benched.benchmark is null
            or (site_incidents.origin_build_id, site_incidents.cause) not in (
                select (origin_build_id, cause) from benches_of_causes
            )
            or (site_incidents.origin_build_id, site_incidents.cause, benched.benchmark) in (
                select (origin_build_id, cause, benchmark) from benches_of_causes
            )
        )
    left join near_causes
        on near_causes.origin_build_id = weighed.origin_build_id
        and near_causes.function = weighed.function
        and near_causes.cause = site_incidents.cause
    where not weighed.is_site
    group by weighed.build_id, weighed.metric, weighed.subject
),

members as (
    from site_members
    union all by name
    select weighed.*, derived_causes.cause,
    from weighed
    inner join derived_causes using (build_id, metric, subject)
),

-- The build at which the incident was known: what is as grave as what was known before joins it.
joined as (
    select members.*, coalesce(holding.since_ordinal <= members.ordinal, false) as is_holder,
        min(members.ordinal) over (partition by members.origin_build_id, members.cause order by members.severity)
            as known_ordinal,
        bool_or(members.is_of_senders)
            over (partition by members.origin_build_id, members.cause, members.function order by members.ordinal)
            as has_senders,
    from members
    left join (
        select origin_build_id, other as function, min(since_ordinal) as since_ordinal,
        from linked
        where is_held
        group by origin_build_id, other
    ) as holding using (origin_build_id, function)
),

-- What names the cause best leads: a site before what feels it, who holds a lock before those that wait for it, then by
-- the order of the metrics; a caller's part of a shared helper only where the helper itself has no such verdict. Where
-- more goroutines wait to send it is their number that leads: nobody receives from them, and more wait all the time.
ranked as (
    select *,
        row_number() over (
            partition by origin_build_id, cause, known_ordinal
            order by
                severity, ordinal, place <> 'site', not is_holder, not (is_of_goroutines and has_senders), lead_order,
                calling_function is not null, weight desc, subject
        ) as member_rank,
    from joined
)

select
    build_id,
    metric,
    subject,
    substr(md5(
        first_value(concat_ws(' ', build_id, metric, subject))
            over (partition by origin_build_id, cause, known_ordinal order by member_rank)
    ), 1, 8) as incident_id,
    member_rank,
    severity,
    weight,
from ranked
