-- Memory mappings that a profile names.
-- grain: capture_id, mapping_index
select capture_id, mapping_index, mapping_start, mapping_limit, mapping_offset, mapping_file, gnu_build_id,
from profile_mappings
