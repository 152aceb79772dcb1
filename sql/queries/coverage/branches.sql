-- The branches whose builds take turns in the history, those with most builds first.
-- None where one follows another for good, or where the builds were listed: by who knows them.
with

told as (
    select branch, ordinal, branch is distinct from lag(branch) over (order by ordinal) as is_other,
    from builds
    where order_source <> 'list' and branch is not null
)

select branch, count(*) as build_count,
from told
where (select count(*) filter (where is_other) > count(distinct branch) from told)
group by branch
order by build_count desc, branch
