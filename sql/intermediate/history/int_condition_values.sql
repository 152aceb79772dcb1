-- What each build's figures were measured under, Go's release included.
-- grain: build_id, measure, condition
-- scope: history
with

build_order as (
    select * from builds
),

conditions as (
    select * from int_build_conditions
),

benchmarks as (
    select * from int_benchmark_conditions
),

measures as (
    select distinct measure from int_run_measures
)

-- A release of Go counts without its patch: go1.27 for go1.27.3. What is not of one source is of all.
select build_order.build_id, measures.measure, 'Go version' as condition,
    regexp_extract(build_order.go_version, 'go\d+\.\d+') as value,
from build_order
cross join measures
where build_order.go_version is not null
union all
select conditions.build_id, measures.measure, conditions.condition, conditions.value,
from conditions
inner join measures on measures.measure = coalesce(conditions.measure, measures.measure)
union all
select build_id, 'benchmark', condition, value,
from benchmarks
