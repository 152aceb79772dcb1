-- What the compiler decided about each value: the heap or the stack.
-- grain: capture_id, package, file, line, column, message
select capture_id, package, file, line, "column", message, kind,
from escapes
