-- The programs that have ever shown a series, where the runs of a build are of different programs: the others never could.
-- grain: metric, series_number, program
-- scope: history
with

observed as (
    select * from observations
),

series as (
    select * from int_series
),

programs as (
    select * from int_run_programs
),

named as (
    select metric, series_number, unnest(subjects) as subject,
    from series
)

select distinct named.metric, named.series_number, programs.program,
from observed
inner join programs using (build_id, run_id)
inner join named using (metric, subject)
