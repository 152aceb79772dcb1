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

measures as (
    select distinct measure from int_run_measures
    union
    select 'benchmark'
)

-- A release of Go counts without its patch: go1.27 for go1.27.3.
select build_id, measure, condition, value,
from conditions
union all
select build_order.build_id, measures.measure, 'Go version', regexp_extract(build_order.go_version, 'go\d+\.\d+'),
from build_order
cross join measures
where build_order.go_version is not null
