-- What the samples called of which their own build tells nothing, as other builds of the series know it.
-- grain: build_id, run_id, stack_id, callee, evidence
-- scope: history
-- other_build_call: the same line of the function, and the same return address modulo 32, of which all that any build
-- knows is of one class. The line alone tells nothing: of what it calls, most builds know only what they sampled, and
-- the lines of a function change places. What is left is unknown.
with

unknown_calls as (
    select * from int_unknown_calls
),

known_calls as (
    select * from int_known_calls
),

by_call as (
    select function, line_offset, alignment, min(callee) as callee, any_value(callee_class) as callee_class,
    from known_calls
    group by function, line_offset, alignment
    having count(distinct callee_class) = 1
),

looked_up as (
    select
        unknown_calls.*,
        coalesce(by_call.callee, 'unknown') as callee,
        coalesce(by_call.callee_class, 'unknown') as callee_class,
        if(by_call.callee is not null, 'other_build_call', 'unknown') as evidence,
    from unknown_calls
    left join by_call
        on by_call.function = unknown_calls.function
        and by_call.line_offset = unknown_calls.line_offset
        and by_call.alignment = unknown_calls.alignment
)

select
    build_id,
    run_id,
    stack_id,
    callee,
    callee_class,
    evidence,
    any_value(evidence_kinds.confidence) as confidence,
    sum(alloc_bytes)::bigint as alloc_bytes,
    sum(alloc_objects)::bigint as alloc_objects,
    sum(inuse_bytes)::bigint as inuse_bytes,
    sum(inuse_objects)::bigint as inuse_objects,
    list_sum(list_sort(list(alloc_bytes_variance))) as alloc_bytes_variance,
    list_sum(list_sort(list(alloc_objects_variance))) as alloc_objects_variance,
    list_sum(list_sort(list(inuse_bytes_variance))) as inuse_bytes_variance,
    list_sum(list_sort(list(inuse_objects_variance))) as inuse_objects_variance,
from looked_up
inner join evidence_kinds using (evidence)
group by build_id, run_id, stack_id, callee, callee_class, evidence
