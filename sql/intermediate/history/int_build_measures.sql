-- What the sums over a build's runs are divided by: units of work where the runs count them, else seconds.
-- grain: build_id, measure
-- scope: view
with

measures as (
    select * from int_run_measures
)

select
    build_id,
    measure,
    count(*) as run_count,
    -- Runs that are divided by different things have no sum.
    if(count(distinct per) = 1 and count(per) = count(*), any_value(per), null) as per,
    if(count(distinct per) = 1 and count(per) = count(*), sum(divisor), null) as divisor,
from measures
group by build_id, measure
