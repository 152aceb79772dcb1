-- Cycles of the collector, as GODEBUG=gctrace=1 reported them.
-- grain: capture_id, process_index, cycle
select
    capture_id,
    process_index,
    cycle,
    gc_cpu_percent,
    stw_sweep_term_ns,
    stw_mark_term_ns,
    assist_cpu_ns,
    background_cpu_ns,
    idle_cpu_ns,
    heap_after_bytes,
    is_forced,
from gc_cycles
