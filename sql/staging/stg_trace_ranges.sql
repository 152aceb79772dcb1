-- Ranges in a trace: GC, mark assist, sweep, stop-the-world.
-- grain: capture_id, start_ns, name, scope
select capture_id, start_ns, name, scope, scope_id, duration_ns, is_complete, stack_id,
from trace_ranges
