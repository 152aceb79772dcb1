-- The configuration lines above a build's benchmark results (goos, goarch, cpu and what else was written there).
-- grain: build_id, condition
-- scope: history
-- A line that nearly each build has in words of its own (a commit, a date) tells the build, not what it ran under.
with

lines as (
    select * from int_benchmark_lines
),

told as (
    select condition, count(distinct value) as value_count, count(*) as build_count,
    from lines
    group by condition
)

select lines.build_id, lines.condition, lines.value,
from lines
inner join told using (condition)
where lines.condition in ('goos', 'goarch', 'cpu') or 2 * told.value_count <= told.build_count
