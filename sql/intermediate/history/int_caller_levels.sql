-- Over the builds, what was spent below each function that calls a site whose cost changed, and its level.
-- grain: metric, caller, ordinal
-- scope: history
-- Judged as the sites themselves are, see warehouse/level_relation.py.
with

levels as (
    select * from levels_of_int_caller_points
)

select
    metric,
    caller,
    ordinal,
    negligible,
    log_value,
    half_width,
    level_builds,
from levels
