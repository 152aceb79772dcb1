-- Which process of its run each goroutine dump is of, where the goroutines say that there are several.
-- grain: capture_id
-- scope: build
-- A process gives no id twice: dumps in which others created the goroutine of an id are of different processes. Each
-- is of the process of the first that nothing tells it apart from.
with

folders as (
    select * from int_capture_folders where kind = 'goroutine_dump'
),

dumped as (
    select * from stg_goroutine_dump
),

created as (
    select folders.build_id, folders.run_id, folders.folder, dumped.capture_id, dumped.goroutine_id,
        max(dumped.created_by) as created_by,
    from dumped
    inner join folders using (capture_id)
    where dumped.created_by is not null
    group by all
),

disputed as (
    select *
    from created
    window goroutine as (partition by build_id, run_id, folder, goroutine_id)
    qualify min(created_by) over goroutine <> max(created_by) over goroutine
),

-- A thousand tell as much as a million.
compared as (
    select *
    from disputed
    qualify dense_rank() over (partition by build_id, run_id, folder order by goroutine_id) <= 1000
),

different as (
    select distinct one.capture_id, other.capture_id as other_id,
    from compared as one
    inner join compared as other using (build_id, run_id, folder, goroutine_id)
    where one.created_by <> other.created_by
),

several as (
    select distinct build_id, run_id, folder,
    from compared
)

select own.build_id, own.capture_id, min(first_one.path) as process,
from folders as own
semi join several using (build_id, run_id, folder)
inner join folders as first_one using (build_id, run_id, folder)
anti join different
    on different.capture_id = own.capture_id
    and different.other_id = first_one.capture_id
group by own.build_id, own.capture_id
