-- Which calls were inlined where in binaries.
-- grain: capture_id, start_pc
select capture_id, start_pc, inlined_functions, call_files, call_lines,
from binary_inlines
