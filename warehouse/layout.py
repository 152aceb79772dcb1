"""What lies where in a warehouse's folder."""

from __future__ import annotations

# The tables as DuckDB shows them, and the marts
DATABASE = "warehouse.duckdb"
# tables/<table>/capture_id=<id>/<random>.parquet as loaded, tables/<table>/month=<month>/<random>.parquet
# compacted, tables/<model>/condensed/<random>.parquet where raw rows have expired
TABLES_FOLDER = "tables"
# What is loaded: how far the log goes, and its commits
MANIFEST = "manifest.json"
LOG = "log"
# Who publishes, and who loads
LOCK = "writer.lock"
LOADING = "loading.lock"
