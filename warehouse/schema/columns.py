"""Every column, once: its type, unit and meaning, the same in each table that has it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TEXT = pa.string()
# Few distinct values over many rows.
WORD = pa.dictionary(pa.int32(), pa.string())
INT = pa.int64()
SMALL = pa.int32()
REAL = pa.float64()
FLAG = pa.bool_()
TIME = pa.timestamp("us", tz="UTC")
LABELS = pa.map_(pa.string(), pa.string())
FLAGS = pa.map_(pa.string(), pa.bool_())
FIGURES = pa.map_(pa.string(), pa.float64())


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, Arrow type, unit ("" where it has none) and a sentence."""

    name: str
    type: pa.DataType
    unit: str
    text: str

    def arrow_field(self) -> pa.Field:
        """The Arrow field, with text and unit as its metadata."""
        return pa.field(self.name, self.type, metadata={"description": self.text, "unit": self.unit})


_DECLARED = (
    # What a row belongs to
    Column("build_id", TEXT, "", "The build: its folder's name or the id in build.json."),
    Column("run_id", TEXT, "", "The run of the build: its folder's name; null for files of the whole build."),
    Column("capture_id", TEXT, "", "Hash of build, run and content of one input file."),
    Column("ordinal", INT, "", "Place of the build in the sequence of builds, from 1."),
    Column("commit", TEXT, "", "Version control revision of the build."),
    Column("branch", TEXT, "", "Branch of the build."),
    Column("committed_at", TIME, "", "When the build's revision was committed."),
    Column("go_version", TEXT, "", "Go release that built the program, such as go1.27.3."),
    Column("labels", LABELS, "", "Labels: of the build from build.json, of a profile's sample from pprof."),
    Column("kind", WORD, "", "What it is: of a capture trace, heap, binary …; of an escape what the compiler decided."),
    Column("format", WORD, "", "The parser that read the capture."),
    Column("path", TEXT, "", "The file's path below the artifacts folder."),
    Column("sha256", TEXT, "", "SHA-256 of the file as it lies on disk."),
    Column("size_bytes", INT, "bytes", "Size: of a capture's file on disk, of a heap object in memory."),
    Column("captured_at", TIME, "", "When the capture was made, where its content says so."),
    Column("started_at", TIME, "", "Wall-clock time of the capture's time zero, where a clock snapshot gives it."),
    Column("duration_ns", INT, "ns", "How long it lasted: the capture, the interval, the range."),
    Column("parser_version", TEXT, "", "Version of Tracemill that parsed the capture."),
    Column("status", WORD, "", "Of a capture ok or salvaged; of a verdict regressed, improved, moved, cost_shift (more here and less there, below one caller whose sum stayed) or not_comparable (another figure under another Go version, GOMAXPROCS, sampling period, architecture, load or duration)."),
    Column("issue_count", INT, "", "How many parse_issues rows the capture has."),
    Column("row_count", INT, "", "Rows over all tables."),
    Column("position", TEXT, "", "Place in the file: byte offset, line or generation."),
    Column("severity", WORD, "", "info, error or data_loss."),
    Column("blame", WORD, "", "Who is at fault: input or parser."),
    Column("message", TEXT, "", "What was found, in words."),
    Column("work_unit", TEXT, "", "Unit of work that the run's manifest counts, such as requests."),
    Column("work_count", REAL, "", "Units of work done in the run."),
    # Stacks
    Column("stack_id", INT, "", "Content hash of the stack's (function, file, line)s; null for no stack."),
    Column("path_id", INT, "", "Content hash of the stack's function names alone: survives shifted lines."),
    Column("functions", pa.list_(WORD), "", "Function names, leaf first."),
    Column("files", pa.list_(WORD), "", "Source files, leaf first."),
    Column("lines", pa.list_(INT), "", "Source lines, leaf first."),
    Column("pcs", pa.list_(pa.uint64()), "", "Program counters of one occurrence, leaf first; may be empty."),
    # Traces
    Column("goroutine_id", INT, "", "The runtime's goroutine id."),
    Column("proc_id", INT, "", "The scheduler's processor (P)."),
    Column("thread_id", INT, "", "The operating system thread (M)."),
    Column("entry_function", TEXT, "", "Function the goroutine was started with."),
    Column("created_ns", INT, "ns", "When the goroutine was created; null if before the capture."),
    Column("ended_ns", INT, "ns", "When it ended; null if after the capture."),
    Column("parent_goroutine_id", INT, "", "The goroutine that created it."),
    Column("creation_stack_id", INT, "", "Stack of the creating goroutine at the go statement."),
    Column("start_ns", INT, "ns", "Start, since the capture's start."),
    Column("ts_ns", INT, "ns", "Time, since the capture's start."),
    Column("state", WORD, "", "Of an interval runnable, running, waiting or syscall; of a dump the runtime's words."),
    Column("reason", WORD, "", "Why the goroutine waits, in the runtime's words (sync, chan receive, …)."),
    Column("is_complete", FLAG, "", "Whether both ends lie inside the capture."),
    Column("waker_goroutine_id", INT, "", "The goroutine that ended the wait; null if none did."),
    Column("waker_stack_id", INT, "", "Stack of the waker at that moment."),
    Column("name", TEXT, "", "Name: of a range, metric, task, region, benchmark."),
    Column("scope", WORD, "", "What a range covers: global, proc, goroutine or thread."),
    Column("scope_id", INT, "", "Id of the proc, goroutine or thread that a range covers."),
    Column("value", REAL, "", "The value, in the row's unit."),
    Column("event_index", INT, "", "Place of the event in the order of Go's own reader, from 0."),
    Column("event", WORD, "", "Kind of event, in the trace format's words."),
    Column("args", TEXT, "", "The event's arguments as JSON."),
    Column("task_id", INT, "", "User task (runtime/trace.NewTask); 0 is the background task."),
    Column("parent_task_id", INT, "", "The task's parent; 0 is the background task."),
    Column("category", TEXT, "", "Category of a user log message."),
    Column("nesting", SMALL, "", "Depth of the region in its goroutine, from 0."),
    Column("object", INT, "", "A heap object: its slot of memory, counted from the heap's lowest address. Used again once it is freed."),
    Column("type_name", TEXT, "", "Go type of the object; null if the runtime did not know."),
    Column("allocated_ns", INT, "ns", "When the object was allocated; null if before the capture."),
    Column("freed_ns", INT, "ns", "When it was freed; null if not during the capture."),
    # Profiles
    Column("sample_index", INT, "", "Place of the sample in the profile, from 0."),
    Column("sample_type", WORD, "", "pprof sample type: alloc_space, inuse_objects, delay, contentions, cpu or another."),
    Column("unit", WORD, "", "Unit of value: bytes, count, ns, sec/op or another."),
    Column("leaf_pc", pa.uint64(), "", "Address of the sample's innermost location, as the profile has it (return PC - 1)."),
    Column("leaf_offset", INT, "bytes", "leaf_pc from its function's entry, where a text profile says it."),
    Column("mapping_index", SMALL, "", "Which of the capture's profile_mappings the leaf lies in; null if none."),
    Column("mapping_start", pa.uint64(), "", "Where the mapping starts in memory."),
    Column("mapping_limit", pa.uint64(), "", "Where it ends."),
    Column("mapping_offset", pa.uint64(), "bytes", "Offset of the mapping in its file."),
    Column("mapping_file", TEXT, "", "File that is mapped."),
    Column("gnu_build_id", TEXT, "", "GNU build id (hex) of the mapped or parsed binary; empty before Go 1.24."),
    Column("numeric_labels", pa.map_(TEXT, INT), "", "A sample's numeric labels; a heap profile's bytes is the object size."),
    Column("numeric_units", LABELS, "", "Units of the numeric labels, where the profile gives them."),
    Column("sampling_period", INT, "", "One sample per this many units (MemProfileRate for heap profiles); 0 unknown."),
    # Dumps, benchmarks, compiler output
    Column("wait_minutes", INT, "min", "Minutes the goroutine has waited; null below one."),
    Column("created_by", TEXT, "", "Function whose go statement created the goroutine."),
    Column("is_locked_to_thread", FLAG, "", "Whether the goroutine is locked to its thread."),
    Column("line", INT, "", "Line: of the input for benchmarks, else of the source file."),
    Column("column", INT, "", "Column in the source line."),
    Column("procs", SMALL, "", "GOMAXPROCS of the benchmark (the -N suffix); 1 if absent."),
    Column("iterations", INT, "", "Iterations of the benchmark (b.N)."),
    Column("metric", TEXT, "", "What is measured."),
    Column("source_value", REAL, "", "The value as written, in source_unit."),
    Column("source_unit", TEXT, "", "The unit as written, before tidying to base units."),
    Column("package", TEXT, "", "Go package."),
    Column("finding_index", INT, "", "Place of the finding in the report, from 0."),
    Column("tool", TEXT, "", "The program that found it, such as vet."),
    Column("rule", TEXT, "", "The rule or analyzer behind the finding."),
    Column("level", WORD, "", "How grave the tool calls it: error, warning, note, none."),
    Column("is_suppressed", FLAG, "", "Whether the report says that the finding is to be passed over."),
    Column("explanation", TEXT, "", "The compiler's reasons under the message (-m=2), one a line."),
    Column("file", TEXT, "", "Source file."),
    # Binaries
    Column("pc", pa.uint64(), "", "Virtual address of the instruction after the CALL: the return address."),
    Column("function", TEXT, "", "Go function, as the symbol table names it."),
    Column("callee", TEXT, "", "What is called: runtime.mapassign_faststr, runtime.makemap …"),
    Column("callee_class", WORD, "", "What the callee does for its caller: map_assign, map_grow (in full stacks alone), map_make, map_clone, sync_map "
           "(all that a sync.Map allocates), convert (boxing into an interface) or other."),
    Column("input_line", INT, "", "Line of the input file that the row comes from."),
    Column("return_offset", INT, "bytes", "Where the CALL returns to, from its function's entry."),
    Column("start_pc", pa.uint64(), "", "Virtual address of a function's first instruction."),
    Column("end_pc", pa.uint64(), "", "Virtual address behind its last instruction: the next function's first."),
    Column("architecture", TEXT, "", "GOARCH of the binary; of a compiler listing amd64, or null."),
    Column("is_pie", FLAG, "", "Whether the binary is position independent."),
    Column("segment_vaddr", pa.uint64(), "", "Virtual address of the executable segment."),
    Column("segment_offset", pa.uint64(), "bytes", "File offset of the executable segment."),
    Column("module", TEXT, "", "Main module's path from the embedded build info."),
    Column("build_settings", LABELS, "", "Build settings from the embedded build info (-ldflags, vcs.revision …)."),
    # GC
    Column("cycle", INT, "", "Number of the GC cycle."),
    Column("at_ns", INT, "ns", "When the cycle began, since the program's start."),
    Column("gc_cpu_percent", REAL, "%", "Share of CPU spent in GC since the program's start."),
    Column("stw_sweep_term_ns", INT, "ns", "Stop-the-world sweep termination, wall clock."),
    Column("mark_ns", INT, "ns", "Concurrent mark and scan, wall clock."),
    Column("stw_mark_term_ns", INT, "ns", "Stop-the-world mark termination, wall clock."),
    Column("assist_cpu_ns", INT, "ns", "CPU time of mark assists."),
    Column("background_cpu_ns", INT, "ns", "CPU time of dedicated and fractional mark workers."),
    Column("idle_cpu_ns", INT, "ns", "CPU time of mark workers on idle processors."),
    Column("process_index", INT, "", "Which program's run, from 0: a cycle number that does not rise begins a new one."),
    Column("heap_before_bytes", INT, "bytes", "Heap at the start of the cycle."),
    Column("heap_after_bytes", INT, "bytes", "Heap at its end."),
    Column("heap_live_bytes", INT, "bytes", "Live heap."),
    Column("heap_goal_bytes", INT, "bytes", "Heap goal."),
    Column("is_forced", FLAG, "", "Whether runtime.GC() forced the cycle."),
    # Marts: what waited, what was allocated
    Column("run_count", INT, "", "Runs: of the build, or behind a point of a series."),
    Column("capture_count", INT, "", "Captures of the build."),
    Column("leaf_function", TEXT, "", "Innermost function of the stack: of a profile, the one that holds the CALL."),
    Column("callers", pa.list_(TEXT), "", "Functions from function's caller outwards."),
    Column("route", TEXT, "", "The package of the standard library that function called and that did it for it: encoding/json, reflect, sync …; null where function did it itself."),
    Column("call_path", TEXT, "", "The chief call path, from the function outwards, as text."),
    Column("block_count", INT, "", "How often goroutines waited."),
    Column("block_ns", INT, "ns", "Time that goroutines waited, summed."),
    Column("block_ns_variance", REAL, "", "Sum of the squared waits: the variance of block_ns from their number alone."),
    Column("p50_ns", INT, "ns", "Median wait."),
    Column("p99_ns", INT, "ns", "99th percentile of the waits."),
    Column("max_ns", INT, "ns", "Longest wait."),
    Column("sync_ns", INT, "ns", "The part of block_ns that the runtime calls sync: locks and WaitGroups."),
    Column("assist_ns", INT, "ns", "Time lost to GC mark assists."),
    Column("path_block_ns", INT, "ns", "The part of block_ns on the chief call path."),
    Column("path_alloc_bytes", INT, "bytes", "The part of alloc_bytes on the chief call path."),
    Column("alloc_bytes", INT, "bytes", "Memory allocated, freed since or not."),
    Column("alloc_objects", INT, "", "Objects allocated, freed since or not."),
    Column("inuse_bytes", INT, "bytes", "Memory in use."),
    Column("inuse_objects", INT, "", "Objects in use."),
    Column("alloc_bytes_variance", REAL, "", "Variance of alloc_bytes from the profile's sampling alone."),
    Column("inuse_bytes_variance", REAL, "", "Variance of inuse_bytes from the profile's sampling alone."),
    Column("evidence", TEXT, "", "How it is known: call_target (the CALL in the binary with the profile's build id), "
           "call_target_line (no build id: the CALL has the sample's file and line), function_name, listing_offset, listing_offset_mod_32, listing_line "
           "(all calls of the line are of one class), listing_any_map_call (a guess), none, trace, benchmark; of a claim's figure the kind of capture; "
           "of a verdict in words."),
    Column("confidence", REAL, "", "Measured precision of the evidence, 0 to 1."),
    Column("alloc_share", REAL, "", "The row's part of its build's alloc_bytes, 0 to 1."),
    Column("map_bytes", INT, "bytes", "The part of alloc_bytes that map assignments, and making and cloning maps, allocated."),
    Column("map_share", REAL, "", "The row's part of its build's map_bytes, 0 to 1."),
    # Marts: goroutines, the collector, the lives of maps
    Column("goroutine_count", INT, "", "Goroutines in the run's last dump."),
    Column("first_goroutine_count", INT, "", "Goroutines in the run's first dump."),
    Column("max_goroutine_count", INT, "", "Goroutines in the dump of the run that has most of them."),
    Column("dump_count", INT, "", "Dumps of the run."),
    Column("is_growing", FLAG, "", "Whether they become more from the run's first dump to its last, and never fewer in between: perhaps a leak."),
    Column("wait_p50_minutes", INT, "min", "Median of the minutes waited, in the last dump that has any of them."),
    Column("wait_max_minutes", INT, "min", "Longest of the waits in that dump."),
    Column("cycle_count", INT, "", "GC cycles of a run."),
    Column("forced_cycle_count", INT, "", "Of these, forced by runtime.GC()."),
    Column("pause_ns", INT, "ns", "Time that the world was stopped for the collector, in a run."),
    Column("max_pause_ns", INT, "ns", "Longest such stop of all runs."),
    Column("assist_share", REAL, "", "The assists' part of all CPU time spent on marking, 0 to 1."),
    Column("peak_heap_bytes", INT, "bytes", "Largest heap at the end of a cycle."),
    Column("assist_count", INT, "", "GC mark assists in a run's traces."),
    Column("map_assist_ns", INT, "ns", "The part of assist_ns whose stack leads through map assignment, making, growth or cloning."),
    Column("map_assist_share", REAL, "", "map_assist_ns over assist_ns, 0 to 1; null where there is no assist."),
    Column("object_count", INT, "", "Objects seen."),
    Column("bytes", INT, "bytes", "Their memory."),
    Column("alive_count", INT, "", "Of these, not freed when the trace ended."),
    Column("alive_bytes", INT, "bytes", "Memory of those."),
    Column("lifetime_p50_ns", INT, "ns", "Median life of those that were allocated and freed within the trace."),
    Column("lifetime_p99_ns", INT, "ns", "99th percentile of these lives."),
    # Marts: what sites cost
    Column("run_growth_bytes", INT, "bytes", "inuse_bytes in a run's last profile less those in its first; null where no run has two."),
    Column("previous_build_id", TEXT, "", "The build before that has a heap profile."),
    Column("alloc_change_bytes", INT, "bytes", "alloc_bytes less those of previous_build_id."),
    Column("inuse_change_bytes", INT, "bytes", "inuse_bytes less those of previous_build_id."),
    Column("escape_count", INT, "", "Values that escape in the line: its bytes are of all of them."),
    Column("callees", pa.list_(TEXT), "", "The functions of the runtime that the line calls for maps."),
    Column("escape_messages", pa.list_(TEXT), "", "What escapes in the line, in the compiler's words."),
    Column("finding_messages", pa.list_(TEXT), "", "What analyzers found in the line, without what is suppressed."),
    # Marts: verdicts
    Column("subject", TEXT, "", "What the metric is of: function, function and reason of waiting, benchmark, program."),
    Column("wait_reason", TEXT, "", "Reason of waiting; of what the runtime calls sync only locks, WaitGroup.Wait and its own semaphores apart."),
    Column("standard_error", REAL, "", "Standard error of the value from few events alone; null where there is none."),
    Column("polarity", SMALL, "", "1: up is worse, -1: down is worse, 0: says nothing of better or worse."),
    Column("measure", TEXT, "", "Kind of capture the figure comes from: trace, heap_alloc, heap_inuse or benchmark."),
    Column("moved_from", TEXT, "", "The function's name at the build before, where it was renamed or moved."),
    Column("before", REAL, "", "The level before the build: the median of its builds, in the row's unit."),
    Column("after", REAL, "", "The build's median over its runs, in the row's unit."),
    Column("change_ratio", REAL, "", "after / before; null where before is zero."),
    Column("interval", pa.list_(REAL), "", "95 % interval of change_ratio; null where before is zero."),
    Column("caller", TEXT, "", "Of a cost_shift, the nearest function that calls what rose and what fell; null elsewhere."),
    Column("caller_before", REAL, "", "Level before of what caller cost with all that it calls, in the row's unit."),
    Column("caller_after", REAL, "", "The same from the change on."),
    Column("negligible", REAL, "", "Amount below which a figure means nothing, in the row's unit; added before logarithms are taken."),
    Column("p_value", REAL, "", "How likely so great a difference from the level is without a change."),
    Column("q_value", REAL, "", "p_value adjusted for all series judged at the build (Benjamini-Hochberg within the metric)."),
    Column("n_before", INT, "", "Builds in the level before the verdict's build."),
    Column("n_after", INT, "", "Builds from the verdict's build on, until the next change."),
    Column("first_build_id", TEXT, "", "First build of the level that the build belongs to: of a verdict the build that changed, with its commit."),
    Column("ended_build_id", TEXT, "", "Of a regression, the build from which on it is over: back by more than half, or no longer comparable; null while it stands."),
    Column("first_subject", TEXT, "", "The subject under the first name that its function had."),
    Column("expected", REAL, "", "The level that the build is compared with; null where nothing could be judged."),
    Column("expected_interval", pa.list_(REAL), "", "Where the build's median lies with 95 % probability, without a change."),
    Column("level_number", INT, "", "Changes of the series up to the build."),
    Column("level_builds", INT, "", "Builds behind expected."),
    Column("is_change", FLAG, "", "Whether the series changed at the build."),
    Column("went_away", FLAG, "", "Whether a change was claimed that was gone at the next build."),
    Column("found", WORD, "", "When the verdict could be known: at_once, or later, when the next build or a re-check of the history confirmed it."),
    Column("found_ordinal", INT, "", "Of a change, the ordinal of the build at which it was known; null elsewhere."),
    Column("change_before", REAL, "", "Of a change, the level before it, as known at found_ordinal."),
    Column("change_after", REAL, "", "Of a change, the median since it, as known at found_ordinal."),
    Column("change_log_ratio", REAL, "", "Of a change, logarithm of change_after over change_before, with what is negligible added to both."),
    Column("change_log_half_width", REAL, "", "Half the width of change_log_ratio's 95 % interval."),
    Column("change_log_standard_error", REAL, "", "Standard error of change_log_ratio."),
    Column("change_p_value", REAL, "", "How likely so great a change is without one, as known at found_ordinal."),
    Column("change_q_value", REAL, "", "change_p_value adjusted for all series judged then (Benjamini-Hochberg within the metric)."),
    Column("not_comparable", TEXT, "", "In words, why the build does not compare with the ones before (Go version, GOMAXPROCS, sampling period, architecture); null where it does. A new level starts there, and no change is claimed."),
    Column("log_change", REAL, "", "Logarithm of value over expected, with what is negligible added to both."),
    Column("log_half_width", REAL, "", "Half the width of log_change's 95 % interval."),
    Column("log_standard_error", REAL, "", "Standard error of log_change."),
    # Accepted regressions
    Column("accepted_reason", TEXT, "", "Why the regression was accepted, in the words of who did."),
    Column("accepted_by", TEXT, "", "Who accepted the regression."),
    Column("accepted_at", TIME, "", "When the regression was accepted."),
    # Marts: claims about maps
    Column("claim_id", TEXT, "", "Short name of a claim, such as iface-deep-copy."),
    Column("chapter", TEXT, "", "Where the claim was made."),
    Column("text", TEXT, "", "The claim, in our own words."),
    Column("measured", TEXT, "", "What is measured to judge the claim."),
    Column("verdict", TEXT, "", "holds: every part of the claim does; refuted: none does; partly: some do; null: not measured."),
    Column("verdicts", LABELS, "", "Go version → verdict, of all versions that measured the claim, oldest first."),
    Column("since_go_version", TEXT, "", "Oldest Go version from which on all gave this verdict; later than the first where it was overturned."),
    Column("parts", FLAGS, "", "Part of the claim → whether it holds; null where it was not measured."),
    Column("figures", FIGURES, "", "Figure, with its unit → value."),
    Column("figure", TEXT, "", "What was measured, with its unit; of two figures combined, both and the sign between them."),
    Column("low", REAL, "", "Lowest of the values behind the figure; null for a combined one."),
    Column("high", REAL, "", "Highest of the values behind the figure; null for a combined one."),
    Column("sample_count", INT, "", "Values behind the figure: repeats over all runs, captures or places in the code; the fewest of all parts."),
)

COLUMNS = {column.name: column for column in _DECLARED}
# The one name with two types: a profile's values are counted, not measured, and stay exact.
COLUMNS["value:int"] = Column("value", INT, "", "The value, in the row's unit, scaled as pprof does.")
assert len(COLUMNS) == len(_DECLARED) + 1, "a column is declared twice"
