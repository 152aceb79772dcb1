-- Runs whose figures of a source are divided by something else than those of most runs, and so are not judged.
-- per and usual_per are null where figures are of all since the process began.
with

measures as (
    select *, max(per) filter (where is_comparable) over (partition by measure) as usual_per,
    from int_run_measures
)

select
    measures.build_id,
    list(distinct measures.run_id order by measures.run_id) as runs,
    list(distinct measures.measure order by measures.measure) as measures,
    measures.per,
    measures.usual_per,
from measures
inner join builds using (build_id)
where not measures.is_comparable
group by measures.build_id, builds.ordinal, measures.per, measures.usual_per
order by builds.ordinal, measures.per, measures.usual_per
