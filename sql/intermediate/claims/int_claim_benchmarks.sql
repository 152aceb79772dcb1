-- What the claims lab's benchmarks measured: a benchmark is named after its claim, its sub-benchmark is a variant.
-- grain: build_id, claim_key, figure
-- scope: build
-- Other work on the machine can only slow a benchmark down, so time is the fastest repeat; all else is the median.
with

captures as (
    select * from int_claim_captures
),

benchmarks as (
    select * from stg_benchmarks
),

-- IfaceDeepCopy/direct, in B/op, is the figure `direct B/op` of iface-deep-copy, whose key is ifacedeepcopy.
measured as (
    select
        captures.build_id,
        lower(split_part(benchmarks.name, '/', 1)) as claim_key,
        regexp_replace(benchmarks.name, '^[^/]*/', '') || ' ' || benchmarks.unit as figure,
        benchmarks.unit,
        benchmarks.value,
    from benchmarks
    inner join captures using (capture_id)
    where contains(benchmarks.name, '/')
        and isfinite(benchmarks.value)
)

select
    build_id,
    claim_key,
    figure,
    case when any_value(unit) = 'sec/op' then min(value) else median(value) end as value,
    min(value) as low,
    max(value) as high,
    count(*) as sample_count,
    'benchmark' as evidence,
from measured
group by build_id, claim_key, figure
