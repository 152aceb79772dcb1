-- How many families of metrics have had a series up to each build: they share what may be false there.
-- grain: ordinal
-- scope: history
-- What later builds bring is left out: a verdict stays as sure as it was.
with

observed as (
    select * from observations
    where polarity <> 0
),

described as (
    select * from int_metrics
    where is_judged
),

build_order as (
    select * from builds
    where is_ordered
),

beginnings as (
    select described.family, min(build_order.ordinal) as first_ordinal,
    from observed
    inner join described using (metric)
    inner join build_order using (build_id)
    group by described.family
)

select build_order.ordinal, count(*) as families,
from build_order
inner join beginnings on beginnings.first_ordinal <= build_order.ordinal
group by build_order.ordinal
