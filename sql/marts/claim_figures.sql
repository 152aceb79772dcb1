-- Every figure that a claim is judged by, or that stands beside it, for each build of the claims lab.
-- grain: claim_id, build_id, figure
-- scope: all
with

texts as (
    select * from int_claim_texts
),

rules as (
    select * from int_claim_rules
),

benchmarks as (
    select * from int_claim_benchmarks
),

compiler as (
    select * from int_claim_compiler
),

heaps as (
    select * from int_claim_heaps
),

traces as (
    select * from int_claim_traces
),

-- A benchmark's name has no hyphens.
measured as (
    select texts.claim_id, benchmarks.* exclude (claim_key),
    from benchmarks
    inner join texts on replace(texts.claim_id, '-', '') = benchmarks.claim_key
    union all by name
    select * from compiler
    union all by name
    select * from heaps
    union all by name
    select * from traces
),

-- A rule may ask for `a / b` or `a - b`: two figures, with blanks around the sign.
asked as (
    select distinct
        claim_id,
        figure,
        case when contains(figure, ' / ') then ' / ' else ' - ' end as sign,
    from rules
    where contains(figure, ' / ') or contains(figure, ' - ')
),

combined as (
    select
        first_figure.claim_id,
        first_figure.build_id,
        asked.figure,
        case
            when asked.sign = ' / ' then first_figure.value / nullif(second_figure.value, 0)
            else first_figure.value - second_figure.value
        end as value,
        least(first_figure.sample_count, second_figure.sample_count) as sample_count,
        first_figure.evidence,
    from asked
    inner join measured as first_figure
        on first_figure.claim_id = asked.claim_id
        and first_figure.figure = split_part(asked.figure, asked.sign, 1)
    inner join measured as second_figure
        on second_figure.claim_id = asked.claim_id
        and second_figure.build_id = first_figure.build_id
        and second_figure.figure = split_part(asked.figure, asked.sign, 2)
)

select claim_id, build_id, figure, value, low, high, sample_count, evidence,
from measured
union all
select claim_id, build_id, figure, value, null, null, sample_count, evidence,
from combined
where value is not null
