-- The folder of its run that each capture lies in, where these are of different processes; else nothing.
-- grain: capture_id
-- scope: build
-- They are where one kind of capture lies in several: folders of one kind each only put a process's captures in order.
-- Folders named by a time hold the captures of one process in turn.
with

captures as (
    select * from stg_captures
),

lying as (
    select *,
        regexp_replace(
            regexp_replace(path, '/?[^/]*$', ''), '/(\d{4}-?\d\d-?\d\d([T_. -]?\d[^/]*)?|\d{10}|\d{13}|\d{19})$', ''
        ) as folder,
    from captures
),

several as (
    select build_id, run_id, kind,
    from lying
    group by build_id, run_id, kind
    having count(distinct folder) > 1
)

select capture_id, build_id, run_id, kind, path,
    if((build_id, run_id) in (select (build_id, run_id) from several), folder, '') as folder,
from lying
