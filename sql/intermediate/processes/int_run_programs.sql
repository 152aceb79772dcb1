-- The program of each run of a build whose runs are of different programs, as the test binaries of packages in a folder each.
-- grain: build_id, run_id
-- scope: build
-- Told by the file that a profile's first mapping names, without its folder: go test links in another one each time. Where
-- no profile tells, the packages of its benchmarks do. What a run of several programs has is of all of them together.
with

captures as (
    select * from stg_captures
),

mappings as (
    select * from stg_profile_mappings
),

benchmarks as (
    select * from stg_benchmarks
),

named as (
    select captures.build_id, captures.run_id, 1 as choice,
        regexp_extract(mappings.mapping_file, '[^/\\]+$') as program,
    from mappings
    inner join captures using (capture_id)
    where mappings.mapping_index = 0
    union
    select captures.build_id, captures.run_id, 2, benchmarks.package,
    from benchmarks
    inner join captures using (capture_id)
),

best as (
    select *
    from named
    where program <> ''
    qualify choice = min(choice) over (partition by build_id, run_id)
),

programs as (
    select build_id, run_id, string_agg(program, ' ' order by program) as program,
    from best
    group by build_id, run_id
)

select build_id, run_id, program,
from programs
qualify min(program) over (partition by build_id) <> max(program) over (partition by build_id)
