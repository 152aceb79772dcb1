-- From which earlier profile of its process each running total is counted, and how long after that it was taken.
-- grain: capture_id
-- scope: build
-- Where a run counts its work, a total has what was done in it: all since the process began, or since the run before of
-- the same process. Where no work is counted, what a process had before its run says nothing of the run: the total is
-- counted from the run's first profile, else from the run before, and a second. It is of a process that ran before, or for
-- longer than its run, if other runs are of it too, or if the run's first profile has nine tenths of the total already.
-- Where nothing came since, no collection has ended in between, and what was allocated is not known: a heap profile is as of
-- the last one.
-- seconds is null where it is of all since the process began, or of counted work. A run's processes are counted alike.
with

captures as (
    select * from stg_captures
),

continued as (
    select * from int_continued_captures
),

totals as (
    select * from int_running_totals
    where is_counted
),

work as (
    select distinct build_id, run_id
    from stg_run_work
    where work_count > 0 and work_unit <> 'seconds'
),

earlier as (
    select continued.*, earlier.run_id = continued.run_id as is_of_run,
        epoch_ns(later.captured_at) - epoch_ns(earlier.captured_at) as nanoseconds,
    from continued
    inner join captures as later on later.capture_id = continued.capture_id
    inner join captures as earlier on earlier.capture_id = continued.earlier_id
),

of_several_runs as (
    select capture_id from earlier where not is_of_run
    union
    select earlier_id from earlier where not is_of_run
),

best as (
    select capture_id,
        arg_max(earlier_id, (earlier_share, earlier_id)) filter (where not is_of_run) as run_before_id,
        arg_max({'earlier_id': earlier_id, 'nanoseconds': nanoseconds}, (is_first, earlier_share, earlier_id))
            filter (
                where nanoseconds > 0 and earlier_share < 1 and (
                    not is_of_run
                    or (is_first and (earlier_share > 0.9 or capture_id in (select capture_id from of_several_runs)))
                )
            ) as timed,
    from earlier
    group by capture_id
),

-- A profile that spans a time has only what was in it.
chosen as (
    select totals.build_id, totals.run_id, totals.source, totals.capture_id,
        work.run_id is not null as counts_work,
        if(work.run_id is not null, best.run_before_id, best.timed.earlier_id) as earlier_id,
        if(work.run_id is not null, null, coalesce(captures.duration_ns, best.timed.nanoseconds) / 1e9) as seconds,
    from totals
    inner join captures using (capture_id)
    left join best using (capture_id)
    left join work
        on work.build_id = totals.build_id
        and work.run_id = totals.run_id
)

select build_id, run_id, source, capture_id, earlier_id, seconds,
from chosen
qualify counts_work or bool_and(seconds is not null) over (partition by build_id, run_id, source)
