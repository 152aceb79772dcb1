"""The marts' columns: what the models in sql/marts give. Columns take their text from warehouse.schema.columns."""

from __future__ import annotations

from tracemill.warehouse.schema.tables import Table


def _mart(name: str, text: str, grain: str, columns: str) -> Table:
    return Table(name, text, tuple(grain.split()), tuple(columns.split()))


_MARTS = (
    _mart("builds", "Builds in their sequence, from build.json, their binaries and their captures.", "build_id",
          "build_id commit branch committed_at ordinal order_source is_ordered go_version module labels run_count capture_count"),
    _mart("goroutine_blocks", "Time that goroutines waited, by call path and reason.",
          "build_id run_id path_id reason",
          "build_id run_id path_id reason function file line leaf_function callers block_count block_ns p50_ns p99_ns "
          "max_ns block_ns_variance"),
    _mart("mapassign_allocations", "Memory that map assignments, growing, making and cloning maps, sync.Map and "
          "boxing into interfaces allocated, by call path.",
          "build_id run_id path_id callee",
          "build_id run_id path_id callee callee_class function file line leaf_function callers route alloc_bytes "
          "alloc_objects inuse_bytes inuse_objects alloc_bytes_variance alloc_objects_variance inuse_bytes_variance "
          "inuse_objects_variance evidence confidence"),
    _mart("unknown_allocations", "Memory of which nothing tells whether a map allocated it, by call path.",
          "build_id run_id path_id",
          "build_id run_id path_id function file line leaf_function callers route alloc_bytes alloc_objects "
          "inuse_bytes inuse_objects"),
    _mart("attribution_shares", "How the allocating function of each build's sampled bytes is known, from exact to "
          "guessed.", "build_id evidence",
          "build_id evidence confidence alloc_bytes alloc_share map_bytes map_share"),
    _mart("block_mapassign", "For one function and its chief call path: how long goroutines waited in it, what its map "
          "assignments allocated, and what it lost to GC assists. Means over the build's runs.",
          "build_id function",
          "build_id function block_count block_ns sync_ns alloc_bytes alloc_objects inuse_bytes assist_ns call_path "
          "path_block_ns path_alloc_bytes"),
    _mart("observations", "What regressions are found in: each figure of each run, per unit of work where it is known.",
          "build_id run_id metric subject",
          "build_id run_id metric subject function wait_reason calling_function value standard_error unit polarity measure evidence"),
    _mart("regressions", "Verdicts: where a series changed for the worse or the better, or a function its name or its share "
          "of a caller's cost.",
          "build_id metric subject",
          "build_id metric subject status incident_id is_lead found function calling_function first_subject moved_from unit "
          "polarity before after change_ratio interval p_value q_value n_before n_after first_build_id commit "
          "ended_build_id as_before_build_id call_path caller caller_before caller_after evidence query"),
    _mart("incidents", "Verdicts of one cause together: the one that names it best, what it costs, its other verdicts and "
          "where it is seen best.", "build_id incident_id",
          "build_id incident_id incident_rank status metric subject function unit before after change_ratio q_value n_before "
          "first_build_id commit ended_build_id call_path weight member_count members exemplar_capture_id "
          "exemplar_goroutine_id exemplar_start_ns exemplar_duration_ns exemplar_task_name exemplar_task_start_ns "
          "exemplar_task_duration_ns"),
    _mart("regression_history", "Each judged series over the builds: the level it is compared with, its change points.",
          "metric subject build_id",
          "metric subject build_id ordinal function calling_function first_subject measure unit polarity value negligible run_count expected "
          "expected_interval level_number level_before level_builds is_change went_away may_change not_comparable found_ordinal change_before change_after change_log_ratio "
          "change_log_half_width change_log_standard_error change_p_value change_q_value p_value q_value shared_log_change log_change log_half_width "
          "log_standard_error least_claimed_log_change least_hinted_log_change least_lasting_log_change evidence"),
    _mart("goroutine_states", "Where goroutines stood when they were dumped, for what they waited and how long, and "
          "which of them only become more.", "build_id run_id path_id state created_by",
          "build_id run_id path_id state created_by reason function file line leaf_function callers goroutine_count "
          "first_goroutine_count max_goroutine_count dump_count is_growing wait_p50_minutes wait_max_minutes"),
    _mart("gc_pressure", "What the collector cost each build, and how much of the goroutines' part lies under map code. "
          "Means over the build's runs.", "build_id",
          "build_id cycle_count forced_cycle_count gc_cpu_percent pause_ns max_pause_ns assist_cpu_ns background_cpu_ns "
          "idle_cpu_ns assist_share peak_heap_bytes assist_count assist_ns map_assist_ns map_assist_share"),
    _mart("map_lifetimes", "How long the memory of each type of map lives, and what of it is never freed.",
          "build_id type_name",
          "build_id type_name object_count bytes alive_count alive_bytes lifetime_p50_ns lifetime_p99_ns"),
    _mart("map_growth", "What assigning to maps cost in each line, and the part of it that was growing. Means over the "
          "build's runs.", "build_id file line",
          "build_id file line function alloc_bytes growth_bytes cpu_ns growth_cpu_ns assist_ns growth_assist_ns"),
    _mart("heap_growth", "Memory that each call path allocated and still holds: how it grew within runs, and from build "
          "to build. Means over the build's runs.", "build_id path_id",
          "build_id path_id ordinal function file line leaf_function callers alloc_bytes inuse_bytes run_growth_bytes "
          "previous_build_id alloc_change_bytes inuse_change_bytes"),
    _mart("escape_costs", "Values that the compiler put on the heap, with the bytes that were sampled in their line. "
          "Means over the build's runs.", "build_id package file line column message",
          "build_id package file line column message kind function escape_count alloc_bytes alloc_objects inuse_bytes"),
    _mart("static_findings_costs", "What analyzers found in the source, with what its line cost at run time. Means over "
          "the build's runs.", "build_id file line column tool rule message",
          "build_id file line column tool rule message level is_suppressed function alloc_bytes alloc_objects "
          "inuse_bytes alloc_under_bytes inuse_under_bytes block_ns"),
    _mart("map_sites", "Every line of the program that assigns, makes or clones a map, with all that is known of it side "
          "by side: bytes of the line, waits and assists of its function. Means over the build's runs.",
          "build_id file line",
          "build_id file line function callees alloc_bytes alloc_objects inuse_bytes evidence confidence block_ns "
          "assist_ns map_types type_lifetime_p50_ns type_lifetime_p99_ns escape_messages finding_messages"),
    _mart("lock_waits", "Who waited for whose lock: contended waits by the line that waits and the line that ended the wait.",
          "build_id function file line wait_reason holder_function holder_file holder_line",
          "build_id function file line wait_reason holder_function holder_file holder_line block_count block_ns p50_ns "
          "p99_ns max_ns block_count_per_unit block_ns_per_unit per"),
    _mart("scheduler_latency", "How long goroutines were ready and had no processor, by the function they began with and "
          "the function that made them ready: the waker's, or their own where they yielded; null of timers and the like.", "build_id entry_function function",
          "build_id entry_function function runnable_count runnable_ns p50_ns p99_ns max_ns"),
    _mart("wait_changes", "What changed in waiting from the build before, by function and reason; as measured, without a "
          "verdict.", "build_id function wait_reason",
          "build_id function wait_reason previous_build_id is_contention block_count_per_unit "
          "previous_block_count_per_unit block_ns_per_unit previous_block_ns_per_unit change_ns_per_unit per"),
    _mart("cpu_functions", "CPU time of each function: flat, with the standard library that it calls, and with all that "
          "it calls.", "build_id function",
          "build_id function is_user_code cpu_ns cpu_under_ns cpu_share cpu_ns_per_unit cpu_under_ns_per_unit per"),
    _mart("contention", "Contention as mutex profiles (kind mutex: who held the locks that others waited for) and block "
          "profiles (kind block: who was blocked) have it.", "build_id kind function is_contention",
          "build_id kind function is_contention contention_count delay_ns contention_count_per_unit delay_ns_per_unit per"),
    _mart("gc_assists", "Time that goroutines worked for the collector when they allocated, by the function that did.",
          "build_id function", "build_id function assist_count assist_ns max_ns assist_ns_per_unit per"),
    _mart("goroutine_leaks", "Goroutines that nothing can wake any more (evidence goroutineleak, dumped_leaks), and those "
          "that only become more from dump to dump (goroutine_growth), by the function where they wait.",
          "build_id run_id evidence function",
          "build_id run_id evidence function goroutine_count first_goroutine_count"),
    _mart("goroutine_summary", "How goroutines of an entry function, tasks and regions of a name spent their time: all of "
          "it (total), and in each state.", "build_id span_kind name state",
          "build_id span_kind name state span_count total_ns mean_ns p50_ns p99_ns max_ns"),
    _mart("task_timelines", "The slowest tasks of each name, ten a build: where each can be seen, and how it spent its "
          "time.", "build_id capture_id task_id",
          "build_id capture_id task_id name run_id goroutine_id start_ns duration_ns running_ns runnable_ns waiting_ns "
          "syscall_ns"),
    _mart("heap_age", "How long the memory that a function allocates stays in use, on average, and how much of it is. "
          "Means over the build's runs.", "build_id function",
          "build_id function alloc_bytes inuse_bytes alloc_bytes_per_unit inuse_share age_units per"),
    _mart("claims", "What is claimed of maps in Go, what was measured, and the verdict of the newest Go version.",
          "claim_id",
          "claim_id chapter text measured verdict go_version since_go_version verdicts build_id evidence"),
    _mart("claim_measurements", "Each claim as measured with each Go version: which of its parts hold.",
          "claim_id build_id",
          "claim_id build_id go_version verdict parts figures sample_count evidence"),
    _mart("claim_figures", "Every figure that a claim is judged by, or that stands beside it.",
          "claim_id build_id figure",
          "claim_id build_id figure value low high sample_count evidence"),
)

MARTS = {mart.name: mart for mart in _MARTS}
