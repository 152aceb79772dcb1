-- Samples of pprof profiles of Go programs, one row for each sample type.
-- Differences of profiles, views of traces, profiles of other languages and a program's own say nothing of its state.
-- grain: capture_id, sample_index, sample_type
select
    capture_id,
    sample_index,
    sample_type,
    unit,
    value,
    stack_id,
    leaf_pc,
    leaf_offset,
    mapping_index,
    sampling_period,
    pcs,
from profile_samples
where capture_id not in (select capture_id from captures where kind in ('custom', 'diff', 'trace_view', 'foreign'))
