-- What the benchmarks of two builds measured, as their lines stand.
select
    captures.build_id,
    benchmarks.package,
    benchmarks.labels,
    benchmarks.name || case when benchmarks.procs > 1 then '-' || benchmarks.procs else '' end as name,
    benchmarks.unit,
    benchmarks.assume,
    benchmarks.value,
from benchmarks
inner join captures using (capture_id)
where captures.build_id in ($before, $after)
order by captures.build_id = $after, captures.run_id, captures.path, benchmarks.line, benchmarks.metric
