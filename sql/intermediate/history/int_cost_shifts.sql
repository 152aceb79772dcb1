-- Changes of a site that the sum below a common caller does not show: cost that moved between its callees.
-- grain: metric, first_subject, ordinal
-- scope: history
-- The sum must be flat, or fall where the site rises, and so well known that the site's change would have shown in it,
-- or that of another site, which it makes up for: in doubt it is no shift. A benchmark that is given a time takes as much
-- whatever it does: where what the function costs an operation changed alike and is no shift, neither is what it costs in all.
with

history as (
    select * from regression_history
),

callers as (
    select * from int_site_callers
),

caller_levels as (
    select * from int_caller_levels
),

rules as (
    select * from detection_rules
),

-- From the build that changed to the one that made it known.
changed as (
    select metric, measure, first_subject, function, ordinal, found_ordinal, level_before,
        change_after - change_before as change,
    from history
    where is_change
),

-- The builds of the level before, as many as it was taken from.
builds_before as (
    select changed.metric, changed.first_subject, changed.ordinal, history.ordinal as ordinal_before,
    from changed
    inner join history
        on history.metric = changed.metric
        and history.first_subject = changed.first_subject
        and history.level_number = changed.level_before
        and history.ordinal < changed.ordinal
    cross join rules
    where not history.went_away
    qualify row_number() over (
        partition by changed.metric, changed.first_subject, changed.ordinal order by history.ordinal desc
    ) <= rules.most_level_builds
),

levels_before as (
    select
        callers.metric,
        callers.first_subject,
        callers.ordinal,
        callers.caller,
        callers.distance,
        median(caller_levels.log_value) as log_before,
        count(*) as n_before,
    from callers
    inner join builds_before
        on builds_before.metric = callers.metric
        and builds_before.first_subject = callers.first_subject
        and builds_before.ordinal = callers.ordinal
    inner join caller_levels
        on caller_levels.metric = callers.metric
        and caller_levels.caller = callers.caller
        and caller_levels.ordinal = builds_before.ordinal_before
    group by all
),

-- The variance of a median of n is pi / (2n + 1) times that of one.
sums as (
    select
        changed.metric,
        changed.first_subject,
        changed.ordinal,
        changed.function,
        changed.change,
        levels_before.caller,
        levels_before.distance,
        levels_before.log_before,
        median(caller_levels.log_value) as log_after,
        arg_min(caller_levels.negligible, caller_levels.ordinal) as negligible,
        arg_min(caller_levels.half_width, caller_levels.ordinal) * sqrt(
            (least(pi() / (2 * count(*) + 1), 1) + pi() / (2 * levels_before.n_before + 1))
            / (1 + pi() / (2 * arg_min(caller_levels.level_builds, caller_levels.ordinal) + 1))
        ) as half_width,
    from changed
    inner join levels_before
        on levels_before.metric = changed.metric
        and levels_before.first_subject = changed.first_subject
        and levels_before.ordinal = changed.ordinal
    inner join caller_levels
        on caller_levels.metric = changed.metric
        and caller_levels.caller = levels_before.caller
        and caller_levels.ordinal between changed.ordinal and changed.found_ordinal
    group by changed.metric, changed.first_subject, changed.ordinal, changed.function, changed.change,
        levels_before.caller, levels_before.distance, levels_before.log_before, levels_before.n_before
    -- Judged at the very build of the change.
    having min(caller_levels.ordinal) = changed.ordinal
),

-- What the sum would be had nothing else below the caller changed.
compared as (
    select
        *,
        sign(change) * (log_after - log_before) as rise,
        sign(change) * (ln(greatest(exp(log_before) + change, negligible)) - log_before) as rise_if_alone,
    from sums
),

level as (
    select compared.*, compared.rise + compared.half_width < compared.rise_if_alone as is_well_known,
    from compared
    cross join rules
    where compared.rise <= greatest(compared.half_width, ln(1 + rules.least_ratio))
        and (compared.change > 0 or compared.rise >= -greatest(compared.half_width, ln(1 + rules.least_ratio)))
        and compared.rise < rules.shift_share * compared.rise_if_alone
),

-- Known for sure: of itself, by another metric of its function, or as another site below the same caller lost what it got.
flat as (
    select level.*
    from level
    cross join rules
    where exists (
        from level as other
        where other.is_well_known
            and other.caller = level.caller
            and other.ordinal = level.ordinal
            and (
                (other.function = level.function and sign(other.change) = sign(level.change))
                or (
                    other.metric = level.metric
                    and -other.change * sign(level.change) >= rules.shift_share * abs(level.change)
                )
            )
    )
),

of_operations as (
    select measure, function, ordinal, sign(change) as direction,
    from changed
    where measure in ('benchmark_cpu', 'benchmark_alloc')
        and (metric, first_subject, ordinal) not in (
            select (metric, first_subject, ordinal) from flat
        )
)

select
    flat.metric,
    flat.first_subject,
    flat.ordinal,
    arg_min(flat.caller, (flat.distance, flat.caller)) as caller,
    arg_min(greatest(exp(flat.log_before) - flat.negligible, 0), (flat.distance, flat.caller)) as caller_before,
    arg_min(greatest(exp(flat.log_after) - flat.negligible, 0), (flat.distance, flat.caller)) as caller_after,
from flat
inner join changed using (metric, first_subject, ordinal)
where not exists (
    select 1
    from of_operations as others
    where others.function = flat.function
        and others.direction = sign(flat.change)
        and others.ordinal between flat.ordinal - 1 and changed.found_ordinal
        and others.measure = case changed.measure
            when 'cpu' then 'benchmark_cpu'
            when 'heap_alloc' then 'benchmark_alloc'
            when 'map_alloc' then 'benchmark_alloc'
        end
)
group by flat.metric, flat.first_subject, flat.ordinal
