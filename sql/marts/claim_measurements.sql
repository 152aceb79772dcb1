-- Each claim as measured with each Go version: which of its parts hold, and what that makes of it.
-- grain: claim_id, build_id
-- scope: all
with

rules as (
    select * from int_claim_rules
),

figures as (
    select * from claim_figures
),

build_order as (
    select * from builds
),

measured as (
    select distinct claim_id, build_id
    from figures
),

parts as (
    select
        measured.claim_id,
        measured.build_id,
        rules.part,
        rules.figure,
        figures.value,
        figures.sample_count,
        rules.at_least,
        rules.at_most,
        figures.value >= coalesce(rules.at_least, figures.value)
        and figures.value <= coalesce(rules.at_most, figures.value) as does_hold,
    from measured
    inner join rules using (claim_id)
    left join figures
        on figures.claim_id = measured.claim_id
        and figures.build_id = measured.build_id
        and figures.figure = rules.figure
),

-- One part that was not measured, and nothing is said of the whole.
judged as (
    select
        claim_id,
        build_id,
        case
            when count(*) > count(does_hold) then null
            when bool_and(does_hold) then 'holds'
            when not bool_or(does_hold) then 'refuted'
            else 'partly'
        end as verdict,
        map_from_entries(list((part, does_hold) order by part)) as parts,
        min(sample_count) as sample_count,
        string_agg(
            concat(
                part, ': ', case does_hold when true then 'yes' when false then 'no' else 'not measured' end,
                ', ', figure, ' = ', coalesce(format('{:.4g}', value), '?'),
                ' (',
                concat_ws(
                    ', ', 'at least ' || format('{:.4g}', at_least), 'at most ' || format('{:.4g}', at_most)
                ),
                ')'
            ),
            '; ' order by part
        ) as evidence,
    from parts
    group by claim_id, build_id
),

listed as (
    select claim_id, build_id, map_from_entries(list((figure, value) order by figure)) as figures,
    from figures
    group by claim_id, build_id
)

select
    judged.claim_id,
    judged.build_id,
    build_order.go_version,
    judged.verdict,
    judged.parts,
    listed.figures,
    judged.sample_count,
    judged.evidence,
from judged
inner join listed using (claim_id, build_id)
left join build_order using (build_id)
