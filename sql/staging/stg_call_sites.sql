-- CALLs of the runtime's allocating functions; pc is the return address.
-- grain: capture_id, pc
select capture_id, pc, function, file, line, callee, callee_class,
from call_sites
