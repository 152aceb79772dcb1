-- The few rows that say most about a file's gc cycles.
select
    count(*) as cycles,
    sum(mark_ns) as mark_ns,
    sum(stw_sweep_term_ns + stw_mark_term_ns) as pause_ns,
    max(heap_live_bytes) as heap_live_bytes,
from rows
