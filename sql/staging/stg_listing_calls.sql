-- CALLs of the runtime's allocating functions in compiler listings.
-- grain: capture_id, input_line
select capture_id, input_line, function, file, line, return_offset, callee, callee_class, map_type, architecture,
from listing_calls
