-- How large executables are, whatever they are compressed to.
-- grain: capture_id
select
    capture_id,
    file_bytes,
from binary_sizes
