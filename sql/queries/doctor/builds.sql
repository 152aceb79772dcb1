-- Of each build what a judgement needs: when it was committed, its runs, its binary, its heap profiles.
select
    build_id,
    is_ordered,
    run_count,
    coalesce(bool_or(captures.kind = 'binary'), false) as has_binary,
    coalesce(bool_or(captures.kind = 'heap'), false) as has_heap,
    coalesce(list(distinct captures.kind order by captures.kind), []) as kinds,
from builds
left join captures using (build_id)
group by build_id, is_ordered, run_count, ordinal
order by ordinal
