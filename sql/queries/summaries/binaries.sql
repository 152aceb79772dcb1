-- The few rows that say most about a file's binaries.
select go_version, architecture, module, is_pie, gnu_build_id
from rows
