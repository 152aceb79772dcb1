-- Where in binaries the instructions of each line begin.
-- grain: capture_id, start_pc
select capture_id, start_pc, file, line,
from binary_lines
