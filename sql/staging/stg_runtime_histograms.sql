-- Buckets of the histograms among it.
-- grain: capture_id, snapshot_index, name, bucket_index
select capture_id, snapshot_index, name, bucket_index, lower, upper, bucket_count,
from runtime_histograms
