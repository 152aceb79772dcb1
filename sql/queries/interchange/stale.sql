-- Of the CPU time of a build, the share whose innermost function of the program, or its caller, a newer build lacks.
-- What its binary has only inlined it does have.
with

named as (
    select functions.function
    from binary_functions as functions
    inner join captures using (capture_id)
    where captures.build_id = $newest
    union
    select unnest(inlines.inlined_functions)
    from binary_inlines as inlines
    inner join captures using (capture_id)
    where captures.build_id = $newest
    union
    select sites.function
    from call_sites as sites
    inner join captures using (capture_id)
    where captures.build_id = $newest
),

known as (
    -- Plain, as stg_stacks has them.
    select regexp_replace(
        regexp_replace(function, '\[.*\]', '[...]'), '(\.(defer|go)wrap\d+|-range\d+|-fm)+(\.func|$)', '\3'
    ) as function,
    from named
    union
    select unnest(user_functions)
    from int_stack_sites
    where build_id = $newest
),

sampled as (
    select row_number() over () as sample, samples.value, sites.user_functions[1:2] as functions,
    from profile_samples as samples
    inner join captures using (capture_id)
    inner join int_stack_sites as sites
        on sites.build_id = captures.build_id
        and sites.stack_id = samples.stack_id
    where captures.build_id = $build_id and captures.kind = 'cpu' and samples.sample_type = 'cpu'
),

calls as (
    select sample, value, unnest(functions) as function,
    from sampled
),

lacking as (
    select distinct sample, value,
    from calls
    anti join known using (function)
)

select (select coalesce(sum(value), 0) from lacking) / nullif(sum(value), 0) as share,
from sampled
