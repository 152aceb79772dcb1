-- What changed most of a metric between two builds, by subject: means over the runs that could have shown it.
-- Where the runs are of different programs, those of the programs that show the subject could have.
-- What the runtime's own goroutines do is left out, what waits for work, and what is next to nothing beside the
-- greatest change; the subject that is asked for never is.
with

chosen as (
    select measure
    from int_metrics
    where metric = $metric
),

comparable as (
    select measures.build_id, measures.run_id,
    from int_run_measures as measures
    semi join chosen using (measure)
    where measures.build_id in ($before, $after) and measures.is_comparable
),

runs as (
    select build_id, count(*) as run_count,
    from comparable
    group by build_id
),

-- What waits for work waits longer when there is less to do, and as `unknown` where nothing woke it in the trace.
waits_for_work as (
    select 'trace' as measure, function || ' (' || wait_reason || ')' as subject,
    from int_function_waits
    where build_id in ($before, $after)
    group by function, wait_reason
    having not bool_or(is_contention)
    union all
    -- Of what a request waits for only the time is judged: that a block profile counts is no sign of idleness.
    select measure, subject,
    from observations
    where measure in ('block', 'mutex') and build_id in ($before, $after)
    group by measure, subject
    having max(polarity) = 0
),

figures as (
    select build_id, subject, sum(value) as value, any_value(unit) as unit,
    from observations
    semi join comparable using (build_id, run_id)
    where metric = $metric and build_id in ($before, $after)
        and (
            subject = $subject
            or calling_function is null
            and not (polarity = 0 and starts_with(subject, 'runtime'))
            and (measure, subject) not in (select (measure, subject) from waits_for_work where subject is not null)
        )
    group by build_id, subject
),

shown_by as (
    select distinct observations.subject, programs.program,
    from observations
    inner join int_run_programs as programs using (build_id, run_id)
    where observations.metric = $metric and observations.build_id in ($before, $after)
),

runs_of_subjects as (
    select subjects.subject, comparable.build_id, count(*) as run_count,
    from (select distinct subject from figures) as subjects
    cross join comparable
    left join int_run_programs as programs using (build_id, run_id)
    where programs.program is null
        or (subjects.subject, programs.program) in (select (subject, program) from shown_by)
    group by subjects.subject, comparable.build_id
),

sides as (
    select
        figures.subject,
        any_value(figures.unit) as unit,
        coalesce(sum(figures.value / counted.run_count) filter (where figures.build_id = $before), 0) as before,
        coalesce(sum(figures.value / counted.run_count) filter (where figures.build_id = $after), 0) as after,
    from figures
    inner join runs_of_subjects as counted using (build_id, subject)
    group by figures.subject
)

select subject, unit, before, after, after - before as change,
from sides
where (select count(*) from runs) = 2
    and (
        subject = $subject
        or after <> before
        and abs(after - before) >= 0.01 * (select max(abs(other.after - other.before)) from sides as other)
    )
qualify row_number() over (order by subject = $subject desc, abs(after - before) desc, subject) <= $most
order by abs(after - before) desc, subject
