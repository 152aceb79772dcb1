-- Functions of binaries and where they lie.
-- grain: capture_id, start_pc
select capture_id, start_pc, end_pc, function,
from binary_functions
