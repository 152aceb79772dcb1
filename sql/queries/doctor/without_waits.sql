-- Kinds of contention profiles that tell of no wait in the program's code in any build, and the builds that have them.
select kind, builds,
from (
    select replace(kind, '_text', '') as kind, list(distinct build_id order by build_id) as builds,
    from captures
    where replace(kind, '_text', '') in ('block', 'mutex')
    group by all
)
where kind not in (
    select regexp_extract(metric, '^(block|mutex)_(delay_ns|contentions)$', 1)
    from observations
)
order by kind
