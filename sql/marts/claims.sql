-- What is claimed of maps in Go, what was measured, and the verdict of the newest Go version that measured it.
-- grain: claim_id
-- scope: all
-- DuckDB's own: list_transform with a lambda, for the order of versions.
with

texts as (
    select * from int_claim_texts
),

measurements as (
    select * from claim_measurements
),

build_order as (
    select * from builds
),

-- go1.9 before go1.22; of two builds with one version the later.
numbered as (
    select
        measurements.*,
        row_number() over (
            partition by measurements.claim_id
            order by
                list_transform(regexp_extract_all(measurements.go_version, '\d+'), lambda n: n::int) nulls first,
                build_order.ordinal
        ) as place,
    from measurements
    inner join build_order using (build_id)
    where measurements.verdict is not null
),

newest as (
    select *,
    from numbered
    qualify place = max(place) over (partition by claim_id)
),

-- The last build that said otherwise.
overturned as (
    select numbered.claim_id, max(numbered.place) as place,
    from numbered
    inner join newest using (claim_id)
    where numbered.verdict <> newest.verdict
    group by numbered.claim_id
),

since as (
    select numbered.claim_id, arg_min(numbered.go_version, numbered.place) as since_go_version,
    from numbered
    left join overturned using (claim_id)
    where numbered.place > coalesce(overturned.place, 0)
    group by numbered.claim_id
),

verdicts as (
    select claim_id, map_from_entries(list((go_version, verdict) order by place)) as verdicts,
    from (
        select * from numbered
        where go_version is not null
        qualify place = max(place) over (partition by claim_id, go_version)
    )
    group by claim_id
)

select
    texts.claim_id,
    texts.chapter,
    texts.text,
    texts.measured,
    newest.verdict,
    newest.go_version,
    since.since_go_version,
    verdicts.verdicts,
    newest.build_id,
    newest.evidence,
from texts
left join newest using (claim_id)
left join since using (claim_id)
left join verdicts using (claim_id)
