-- Of each build what a judgement needs: when it was committed, its runs, how much of its heap profiles is known.
-- is_heap_known is null where no run has a heap profile.
with

knowledge as (
    select build_id, bool_and(is_known) as is_heap_known,
    from int_heap_knowledge
    group by build_id
)

select
    build_id,
    is_ordered,
    builds.run_count,
    coalesce(any_value(processes.process_count < processes.run_count), false) as has_one_process,
    any_value(knowledge.is_heap_known) as is_heap_known,
    coalesce(list(distinct captures.kind order by captures.kind), []) as kinds,
from builds
left join captures using (build_id)
left join knowledge using (build_id)
left join int_heap_processes as processes using (build_id)
group by build_id, is_ordered, builds.run_count, ordinal
order by ordinal
