-- Of each build what a judgement needs: when it was committed, its runs, its release of Go, how much of its heap profiles is known.
-- is_heap_known is null where no run has a heap profile; sees_parts: captures saw different parts of the counted work.
-- A profile as text (debug=1) counts as one.
with

-- A race is only reported where there is one, and a difference of profiles is made by who looks at it.
recorded as (
    select build_id, kind,
    from captures
    where kind not in ('race', 'diff')
),

knowledge as (
    select build_id, bool_and(is_known) as is_heap_known, min(known_share) as known_share,
    from int_heap_knowledge
    group by build_id
),

-- Traces and CPU profiles of different lengths cannot both have seen all of a run's work.
parts as (
    select build_id, true as sees_parts,
    from int_run_measures
    where observed_seconds > 0 and work_unit is not null
    group by build_id, run_id
    having max(observed_seconds) > 1.2 * min(observed_seconds) and min(work_count) = max(work_count)
)

select
    build_id,
    is_ordered,
    builds.run_count,
    builds.go_version,
    coalesce(bool_or(processes.process_count < processes.run_count), false) as has_one_process,
    any_value(knowledge.is_heap_known) as is_heap_known,
    any_value(knowledge.known_share) as known_share,
    coalesce(any_value(parts.sees_parts), false) as sees_parts,
    coalesce(list(distinct replace(recorded.kind, '_text', '') order by replace(recorded.kind, '_text', '')), []) as kinds,
from builds
left join recorded using (build_id)
left join knowledge using (build_id)
left join parts using (build_id)
left join int_heap_processes as processes using (build_id)
group by build_id, is_ordered, builds.run_count, builds.go_version, ordinal
order by ordinal
