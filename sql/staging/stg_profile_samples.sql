-- Samples of pprof profiles, one row for each sample type.
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
