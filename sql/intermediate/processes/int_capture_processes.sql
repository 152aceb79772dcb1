-- Which process of its run each capture is of; null where the run has several, and nothing tells of which it is.
-- grain: capture_id
-- scope: build
-- Told by the folder and, within it, by the program and where it and the vdso were placed, which is at random for each
-- process, by execution traces that overlap in time, as a process has one at a time, by goroutines and by counters.
-- What nothing tells apart is of one process. is_told is false where it is only taken to be of that. is_ended: another
-- process of the program is first seen more than a minute after this one was last seen: it began anew, and what that
-- kept is gone. image: where the kernel placed the program and the vdso, which tells a process in other runs too; null where
-- that is not known.
with

captures as (
    select * from stg_captures
),

mappings as (
    select * from stg_profile_mappings
),

folders as (
    select * from int_capture_folders
),

dumps as (
    select * from int_dump_processes
),

counted as (
    select * from int_counter_processes
),

-- The first mapping of a profile is the program's own.
mapped as (
    select
        capture_id,
        max(coalesce(gnu_build_id, mapping_file)) filter (where mapping_index = 0) as program,
        max(mapping_start) filter (where mapping_index = 0) as program_start,
        max(mapping_start) filter (where mapping_file = '[vdso]') as vdso_start,
    from mappings
    group by capture_id
),

-- A profile that a tool wrote anew has lost the vdso: it may be of any process of its program.
profiled as (
    select folders.capture_id, folders.build_id, folders.run_id, folders.folder, mapped.program,
        coalesce(mapped.vdso_start, if(max(mapped.vdso_start) over place is null, mapped.program_start, null)) as address,
    from folders
    left join mapped using (capture_id)
    window place as (partition by folders.build_id, folders.run_id, folders.folder)
),

images as (
    select distinct build_id, run_id, folder, program, address, concat_ws(' ', program, address) as image,
    from profiled
    where address is not null
),

candidates as (
    select profiled.capture_id, count(*) as image_count, any_value(images.image) as image,
    from profiled
    inner join images using (build_id, run_id, folder)
    where images.program = coalesce(profiled.program, images.program)
        and profiled.address is null
    group by profiled.capture_id
),

-- Where one process is known, all that says nothing of its own is of that.
identified as (
    select
        profiled.capture_id,
        case
            when profiled.address is not null then concat_ws(' ', profiled.program, profiled.address)
            when candidates.image_count = 1 then candidates.image
            when candidates.image_count is null then coalesce(profiled.program, '')
        end as image,
    from profiled
    left join candidates using (capture_id)
),

traced as (
    select folders.capture_id, folders.build_id, folders.run_id, folders.folder,
        epoch_ns(captures.started_at) as start_ns, captures.duration_ns,
    from folders
    inner join captures using (capture_id)
    where folders.kind = 'trace'
),

-- How many traces of its folder had begun and still ran when this one began.
overlapping as (
    select later.capture_id, count(*) as running_count,
    from traced as later
    inner join traced as earlier
        on earlier.build_id = later.build_id
        and earlier.run_id = later.run_id
        and earlier.folder = later.folder
        and earlier.start_ns < later.start_ns
        and later.start_ns < earlier.start_ns + earlier.duration_ns
    group by later.capture_id
),

told as (
    select
        folders.capture_id,
        folders.build_id,
        folders.run_id,
        folders.folder,
        mapped.program,
        coalesce(
            ltrim(folders.folder || ' trace ' || overlapping.running_count),
            dumps.process,
            counted.process,
            ltrim(folders.folder || ' ' || identified.image)
        ) as process,
        coalesce(overlapping.running_count::text, dumps.process, counted.process, mapped.vdso_start::text) is not null
            as is_told,
        if(mapped.vdso_start is not null, concat_ws(' ', mapped.program, mapped.vdso_start), null) as image,
    from folders
    inner join identified using (capture_id)
    left join mapped using (capture_id)
    left join overlapping using (capture_id)
    left join dumps using (capture_id)
    left join counted using (capture_id)
),

spans as (
    select told.build_id, told.run_id, told.folder, told.program, told.process,
        min(captures.captured_at) as first_at, max(captures.captured_at) as last_at,
    from told
    inner join captures using (capture_id)
    where told.process is not null
    group by all
),

ended as (
    select distinct earlier.build_id, earlier.run_id, earlier.process,
    from spans as earlier
    inner join spans as later
        on later.build_id = earlier.build_id
        and later.run_id = earlier.run_id
        and later.folder is not distinct from earlier.folder
        and later.program = earlier.program
        and later.first_at > earlier.last_at + interval 1 minute
)

select told.capture_id, told.build_id, told.run_id, told.process, told.is_told, told.image,
    ended.process is not null as is_ended,
from told
left join ended
    on ended.build_id = told.build_id
    and ended.run_id = told.run_id
    and ended.process = told.process
