-- Addresses that traces and profiles name, as return addresses, and what of the runtime is called there ('' unseen).
-- grain: capture_id, pc, function, callee
select capture_id, pc, function, callee, callee_class, file, line, start_line, outermost_function,
from named_addresses
