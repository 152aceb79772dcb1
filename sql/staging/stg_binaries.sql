-- Executables and where their code lies.
-- grain: capture_id
select
    capture_id,
    gnu_build_id,
    go_version,
    architecture,
    is_pie,
    segment_vaddr,
    segment_offset,
    module,
    commit,
    committed_at,
    build_settings,
from binaries
