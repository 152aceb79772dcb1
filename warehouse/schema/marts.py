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
          "alloc_objects inuse_bytes inuse_objects alloc_bytes_variance inuse_bytes_variance evidence confidence"),
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
          "ended_build_id call_path caller caller_before caller_after evidence query"),
    _mart("incidents", "Verdicts of one cause together: the one that names it best, what it costs, its other verdicts and "
          "where it is seen best.", "build_id incident_id",
          "build_id incident_id incident_rank status metric subject function unit before after change_ratio q_value n_before "
          "first_build_id commit ended_build_id call_path weight member_count members exemplar_capture_id "
          "exemplar_goroutine_id exemplar_start_ns exemplar_duration_ns exemplar_task_name exemplar_task_start_ns "
          "exemplar_task_duration_ns"),
    _mart("regression_history", "Each judged series over the builds: the level it is compared with, its change points.",
          "metric subject build_id",
          "metric subject build_id ordinal function calling_function first_subject measure unit polarity value negligible run_count expected "
          "expected_interval level_number level_builds is_change went_away may_change not_comparable found_ordinal change_before change_after change_log_ratio "
          "change_log_half_width change_log_standard_error change_p_value change_q_value p_value q_value log_change log_half_width "
          "log_standard_error evidence"),
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
          "Means over the build's runs.", "build_id file line column message",
          "build_id file line column message kind function escape_count alloc_bytes alloc_objects inuse_bytes"),
    _mart("static_findings_costs", "What analyzers found in the source, with what its line cost at run time. Means over "
          "the build's runs.", "build_id file line column tool rule message",
          "build_id file line column tool rule message level is_suppressed function alloc_bytes alloc_objects "
          "inuse_bytes block_ns"),
    _mart("map_sites", "Every line of the program that assigns, makes or clones a map, with all that is known of it side "
          "by side: bytes of the line, waits and assists of its function. Means over the build's runs.",
          "build_id file line",
          "build_id file line function callees alloc_bytes alloc_objects inuse_bytes evidence confidence block_ns "
          "assist_ns map_types type_lifetime_p50_ns type_lifetime_p99_ns escape_messages finding_messages"),
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
