"""Every table: columns, grain, what it says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from tracemill.warehouse.schema.columns import COLUMNS, Column


@dataclass(frozen=True, slots=True)
class Table:
    """One table or mart: its columns by name, the grain that makes a row unique, a sentence."""

    name: str
    text: str
    grain: tuple[str, ...]
    column_names: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The declared columns, in order."""
        return tuple(COLUMNS[name] for name in self.column_names)

    @cache  # noqa: B019 - there are as many tables as are declared below
    def arrow_schema(self) -> pa.Schema:
        """What parsers give and Parquet holds: all columns but capture_id, which the partition carries."""
        fields = [c.arrow_field() for c in self.columns if c.name != "capture_id"]
        return pa.schema(fields, metadata={"table": self.name, "description": self.text})

    def conform(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows with exactly the declared columns; those that are missing become null.

        Raises ValueError for a column that is not declared, pa.ArrowInvalid for a value that does not fit.
        """
        schema = self.arrow_schema()
        if rows.schema.equals(schema):
            return rows.replace_schema_metadata(schema.metadata)
        unknown = set(rows.schema.names) - set(schema.names)
        if unknown:
            raise ValueError(f"{self.name} has no column {', '.join(sorted(unknown))}")
        arrays = []
        for field in schema:
            index = rows.schema.get_field_index(field.name)
            if index < 0:
                arrays.append(pa.nulls(rows.num_rows, field.type))
            else:
                column = rows.column(index)
                arrays.append(column if column.type == field.type else column.cast(field.type))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _table(name: str, text: str, grain: str, columns: str) -> Table:
    names = tuple(dict.fromkeys([*grain.split(), *columns.split()]))
    return Table(name, text, tuple(grain.split()), names)


# Written by parsers, one Parquet file or more a capture.
_PARSED = (
    _table(
        "parse_issues",
        "What could not be read, or looks wrong, in a capture.",
        "capture_id position",
        "severity blame message",
    ),
    _table("stacks", "Call stacks, leaf first.", "stack_id", "path_id functions files lines pcs"),
    _table(
        "goroutines",
        "Goroutines seen in an execution trace.",
        "capture_id goroutine_id",
        "entry_function created_ns ended_ns parent_goroutine_id creation_stack_id",
    ),
    _table(
        "goroutine_cycles",
        "What each goroutine did when, as stored: one row for a wait or a system call, then ready to run, then "
        "running, without a gap up to end_ns; what it was not is null. is_complete holds for all of it, reason, stack "
        "and waker are those of the first.",
        "capture_id goroutine_id end_ns waiting_ns syscall_ns runnable_ns running_ns",
        "reason is_complete stack_id waker_goroutine_id waker_stack_id "
        "proc_id thread_id",
    ),
    _table(
        "trace_ranges",
        "Ranges in a trace: GC, mark assist, sweep, stop-the-world.",
        "capture_id start_ns name scope",
        "duration_ns is_complete scope_id stack_id",
    ),
    _table(
        "trace_metrics",
        "Metrics in a trace: heap live, heap goal, GOMAXPROCS.",
        "capture_id ts_ns name",
        "value",
    ),
    _table(
        "trace_cpu_samples",
        "CPU profile samples inside a trace.",
        "capture_id ts_ns thread_id",
        "goroutine_id proc_id stack_id",
    ),
    _table(
        "trace_tasks",
        "User tasks (runtime/trace.NewTask).",
        "capture_id task_id",
        "name parent_task_id start_ns duration_ns is_complete goroutine_id stack_id",
    ),
    _table(
        "trace_regions",
        "User regions (runtime/trace.StartRegion).",
        "capture_id goroutine_id start_ns nesting",
        "task_id name duration_ns is_complete stack_id",
    ),
    _table(
        "trace_logs",
        "User log messages (runtime/trace.Log).",
        "capture_id ts_ns goroutine_id",
        "task_id category message stack_id",
    ),
    _table(
        "trace_events",
        "Every event in the order of Go's own reader (ingest --raw-events).",
        "capture_id event_index",
        "ts_ns thread_id proc_id goroutine_id event args stack_id",
    ),
    _table(
        "heap_objects",
        "Heap objects of traces recorded with GODEBUG=traceallocfree=1.",
        "capture_id object allocated_ns",
        "type_name freed_ns size_bytes",
    ),
    _table(
        "profile_samples",
        "Samples of pprof profiles, one row for each sample type.",
        "capture_id sample_index sample_type",
        "unit value:int stack_id leaf_pc mapping_index sampling_period labels "
        "numeric_labels numeric_units pcs leaf_offset",
    ),
    _table(
        "profile_mappings",
        "Memory mappings that a profile names.",
        "capture_id mapping_index",
        "mapping_start mapping_limit mapping_offset mapping_file gnu_build_id",
    ),
    _table(
        "goroutine_dump",
        "Goroutines of a debug=2 dump (captures.kind goroutine_dump) or of panics and fatal "
        "errors (crash_report: no count of goroutines).",
        "capture_id report_index goroutine_id",
        "state reason wait_minutes is_locked_to_thread stack_id created_by creation_stack_id "
        "parent_goroutine_id labels stack_status elided_frames bubble_id is_leaked",
    ),
    _table(
        "benchmarks",
        "Results of go test -bench, one row for each unit.",
        "capture_id line metric",
        "package name procs iterations unit value source_value source_unit better assume labels",
    ),
    _table(
        "escapes",
        "Compiler decisions from -gcflags=-m.",
        "capture_id package file line column message",
        "kind explanation",
    ),
    _table(
        "binaries",
        "Executables and what their headers and build info say.",
        "capture_id",
        "gnu_build_id go_version architecture is_pie segment_vaddr segment_offset module commit committed_at "
        "build_settings",
    ),
    _table("binary_sizes", "How large executables are, whatever they are compressed to.", "capture_id", "file_bytes"),
    _table(
        "call_sites",
        "CALLs of map, conversion and allocation functions of the runtime in a binary.",
        "capture_id pc",
        "function file line callee callee_class",
    ),
    _table(
        "named_addresses",
        "Addresses of the program's code that a trace or profile names, and what of the runtime is called there.",
        "capture_id pc function callee",
        "callee_class file line start_line outermost_function",
    ),
    _table(
        "binary_functions",
        "Every Go function of a binary: what an address that a profile does not name lies in.",
        "capture_id start_pc",
        "end_pc function",
    ),
    _table(
        "binary_lines",
        "Where in a binary the instructions of each line begin; they end where the next ones do.",
        "capture_id start_pc",
        "file line",
    ),
    _table(
        "binary_inlines",
        "Which calls were inlined where in a binary; a row ends where the next one, or the function's next, begins.",
        "capture_id start_pc",
        "inlined_functions call_files call_lines",
    ),
    _table(
        "listing_calls",
        "CALLs of the same functions in a compiler listing (-gcflags=-S), where addresses are not known yet.",
        "capture_id input_line",
        "function file line return_offset callee callee_class map_type architecture",
    ),
    _table(
        "static_findings",
        "What go vet and other analyzers found in the source.",
        "capture_id finding_index",
        "tool rule level message package file line column is_suppressed",
    ),
    _table(
        "gc_cycles",
        "Cycles that GODEBUG=gctrace=1 reported.",
        "capture_id process_index cycle",
        "at_ns gc_cpu_percent stw_sweep_term_ns mark_ns stw_mark_term_ns assist_cpu_ns "
        "background_cpu_ns idle_cpu_ns heap_before_bytes "
        "heap_after_bytes heap_live_bytes heap_goal_bytes procs is_forced",
    ),
    _table(
        "scheduler_states",
        "Lines of GODEBUG=schedtrace=N.",
        "capture_id process_index state_index",
        "at_ns procs idle_procs threads spinning_threads idle_threads run_queue local_run_queues",
    ),
    _table(
        "runtime_metrics",
        "What a program said of its runtime: runtime/metrics, expvar, Prometheus text of Go's collector.",
        "capture_id snapshot_index series_index",
        "at_unix_ns name source_name value labels",
    ),
    _table(
        "runtime_histograms",
        "Buckets of the histograms among it; empty ones are left out.",
        "capture_id snapshot_index name bucket_index",
        "at_unix_ns lower upper bucket_count",
    ),
    _table(
        "race_reports",
        "Distinct data races that the race detector reported (go test -race).",
        "capture_id race_index",
        "race_key report_count access goroutine_id stack_id creation_stack_id function file line previous_access "
        "previous_goroutine_id previous_stack_id previous_creation_stack_id previous_function previous_file "
        "previous_line",
    ),
)

# A view of another table: sql/queries/tables/<name>.sql.
_DERIVED = (
    _table(
        "goroutine_intervals",
        "What each goroutine did when: one row for each stay in a state.",
        "capture_id goroutine_id start_ns",
        "state reason duration_ns is_complete stack_id waker_goroutine_id waker_stack_id proc_id thread_id",
    ),
)

# Written by the catalog when it publishes.
_CATALOG = (
    _table(
        "captures",
        "Every input file that was loaded.",
        "capture_id",
        "build_id run_id kind format path sha256 size_bytes captured_at started_at duration_ns go_version "
        "parser_version status issue_count row_count expired_tables labels",
    ),
    _table(
        "build_manifests",
        "What build.json says of each build.",
        "build_id",
        "commit branch committed_at go_version labels listed_position",
    ),
    _table(
        "run_work",
        "Units of work each run did, from build.json or run.json.",
        "build_id run_id work_unit",
        "work_count",
    ),
    _table(
        "run_pairs",
        "Runs of several builds that were recorded in turns, from run.json.",
        "build_id run_id",
        "pair",
    ),
    _table(
        "load_failures",
        "Inputs that could not be loaded.",
        "build_id run_id path",
        "sha256 message is_unknown_kind",
    ),
    _table(
        "accepted_regressions",
        "Regressions that someone accepted, so that they fail no gate.",
        "build_id metric subject",
        "accepted_reason accepted_by accepted_at",
    ),
)

# The same in every warehouse: what the code declares.
_DECLARED = (
    _table(
        "detection_rules",
        "The rules by which changes are found, in one row.",
        "",
        "false_share suspected_share least_ratio least_builds most_level_builds shift_share load_ratio least_load_ratio clock_ratio least_cpu_samples",
    ),
    _table(
        "metrics",
        "Every metric: its unit, which way is worse, its floor, whether it is judged.",
        "metric",
        "unit polarity measure is_sum floor floor_per_second floor_samples is_judged is_fault is_timed family place lead_order meaning",
    ),
    _table(
        "metric_sources",
        "What figures are taken from, and what makes those of two runs comparable.",
        "measure",
        "kinds sample_type divided_by exhaustive load_dependence is_by_clock meaning",
    ),
    _table("verdict_statuses", "What a verdict can say.", "status", "lead_order meaning"),
    _table(
        "evidence_kinds",
        "How it is known what a heap sample's hidden frame called, and how often that is right.",
        "evidence",
        "confidence meaning",
    ),
)

TABLES = {table.name: table for table in (*_PARSED, *_DERIVED, *_CATALOG, *_DECLARED)}
PARSED = tuple(table.name for table in _PARSED)
DERIVED = tuple(table.name for table in _DERIVED)
CATALOG = tuple(table.name for table in _CATALOG)
