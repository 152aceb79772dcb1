-- Goroutines seen in traces.
-- grain: capture_id, goroutine_id
select
    capture_id,
    goroutine_id,
    -- A wrapper of a go statement is the function that it stands in, as in stg_stacks.
    regexp_replace(entry_function, '(\.gowrap\d+)+(\.func|$)', '\2') as entry_function,
    created_ns,
    ended_ns,
    creation_stack_id,
from goroutines
