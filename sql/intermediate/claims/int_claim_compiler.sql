-- What the compiler and an analyzer say of the claims lab's source: escapes, CALLs, findings.
-- grain: build_id, claim_id, figure
-- scope: build
with

captures as (
    select * from int_claim_captures
),

escapes as (
    select * from stg_escapes
),

calls as (
    select * from stg_listing_calls
),

findings as (
    select * from stg_static_findings
),

-- escaping.go makes only maps that must escape, staying.go only such as need not.
made_maps as (
    select
        captures.build_id,
        ends_with(escapes.file, 'static/escaping.go') as must_escape,
        escapes.file,
        escapes.line,
        bool_or(escapes.kind = 'escapes_to_heap' and starts_with(escapes.message, 'make(map')) as is_named,
        bool_or(escapes.kind = 'moved_to_heap') as is_moved,
    from escapes
    inner join captures using (capture_id)
    where (ends_with(escapes.file, 'static/escaping.go') or ends_with(escapes.file, 'static/staying.go'))
        and (starts_with(escapes.message, 'make(map') or escapes.kind = 'moved_to_heap')
    group by all
),

-- One row for each function whose CALLs are compared; a listing without any CALL is none of ours.
called as (
    select captures.build_id, asked.function, calls.callee,
    from calls
    inner join captures using (capture_id)
    inner join (values ('ConvertGiven'), ('ConvertMade'), ('DirectMade')) as asked (function)
        on calls.function = 'claimslab/static.' || asked.function
),

listed as (
    select distinct captures.build_id,
    from calls
    inner join captures using (capture_id)
    where starts_with(calls.function, 'claimslab/static.')
),

reported as (
    select distinct build_id
    from captures
    where kind = 'sarif'
),

found as (
    select captures.build_id, split_part(findings.message, ' ', 1) as function,
    from findings
    inner join captures using (capture_id)
    where findings.tool = 'mapassert'
        and findings.rule = 'mapassert'
),

figures as (
    select build_id, 'escape-hint' as claim_id, 'escaping maps named' as figure,
        avg(is_named::int) filter (where must_escape) as value, count(*) filter (where must_escape) as sample_count,
        'escapes' as evidence,
    from made_maps
    group by build_id
    union all
    select build_id, 'escape-hint', 'escaping maps moved to heap',
        avg(is_moved::int) filter (where must_escape), count(*) filter (where must_escape), 'escapes',
    from made_maps
    group by build_id
    union all
    select build_id, 'escape-hint', 'staying maps named',
        avg(is_named::int) filter (where not must_escape), count(*) filter (where not must_escape), 'escapes',
    from made_maps
    group by build_id
    union all
    select listed.build_id, 'asm-makemap', 'makemap calls, made and returned as interface',
        count(*) filter (where called.function = 'ConvertMade' and starts_with(called.callee, 'runtime.makemap')),
        1, 'listing',
    from listed
    left join called using (build_id)
    group by listed.build_id
    union all
    select listed.build_id, 'asm-makemap', 'makemap calls, made and returned as map',
        count(*) filter (where called.function = 'DirectMade' and starts_with(called.callee, 'runtime.makemap')),
        1, 'listing',
    from listed
    left join called using (build_id)
    group by listed.build_id
    union all
    select listed.build_id, 'iface-pointer-only', 'allocating calls of the conversion',
        count(*) filter (where called.function = 'ConvertGiven'), 1, 'listing',
    from listed
    left join called using (build_id)
    group by listed.build_id
    union all
    select reported.build_id, 'ssa-rule', 'findings in Concrete',
        count(*) filter (where found.function = 'Concrete'), 1, 'sarif',
    from reported
    left join found using (build_id)
    group by reported.build_id
    union all
    select reported.build_id, 'ssa-rule', 'findings elsewhere',
        count(*) filter (where found.function <> 'Concrete'), 1, 'sarif',
    from reported
    left join found using (build_id)
    group by reported.build_id
)

select
    build_id,
    claim_id,
    figure,
    value::double as value,
    value::double as low,
    value::double as high,
    sample_count,
    evidence,
from figures
where value is not null
