-- How long the memory of each type of map lives, and what of it is never freed.
-- grain: build_id, type_name
-- scope: build
-- From traces that record each allocation (GODEBUG=traceallocfree=1, Go 1.23 and later); all captures of a build
-- that count together. To Go 1.23 a map is an hmap and buckets, from 1.24 a Map, tables and groups. p50_ns and p99_ns
-- are of objects whose whole life lies in the trace: those still alive at its end have lived longer than these say.
with

captures as (
    select * from int_counted_captures
),

objects as (
    select * from stg_heap_objects
),

map_objects as (
    select
        captures.build_id,
        objects.type_name,
        objects.size_bytes,
        objects.freed_ns is null as is_alive,
        objects.freed_ns - objects.allocated_ns as lifetime_ns,
    from objects
    inner join captures using (capture_id)
    where regexp_matches(
        objects.type_name,
        '^(map\.(bucket|group|hdr)\[|noalg\.map\.|runtime\.(hmap|bmap|mapextra)$|(internal/runtime/)?maps\.(Map|table)$)'
    )
)

select
    build_id,
    type_name,
    count(*) as object_count,
    coalesce(sum(size_bytes), 0)::bigint as bytes,
    count(*) filter (where is_alive) as alive_count,
    coalesce(sum(size_bytes) filter (where is_alive), 0)::bigint as alive_bytes,
    quantile_disc(lifetime_ns, 0.5)::bigint as lifetime_p50_ns,
    quantile_disc(lifetime_ns, 0.99)::bigint as lifetime_p99_ns,
from map_objects
group by build_id, type_name
