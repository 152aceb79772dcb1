-- Builds with runs that have several snapshots of what the runtime counts, and no rate of it, as none says when it was taken.
with

snapshots as (
    select build_id, run_id, kind, count(*) as captures,
    from int_counted_captures
    where kind in ('runtime_metrics', 'expvar', 'prometheus')
    group by all
),

rates as (
    select build_id, run_id,
    from observations
    where metric in (
        'runtime_gc_cycles_per_second', 'runtime_alloc_bytes_per_second', 'runtime_gc_pause_share',
        'runtime_cpu_per_second'
    )
)

select build_id
from snapshots
where captures > 1 and (build_id, run_id) not in (select (build_id, run_id) from rates)
group by build_id
order by build_id
