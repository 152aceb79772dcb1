"""How a metric is shown: the sentence that says its change, and the call paths that its flame graph is drawn of.

In a sentence ``{x}`` is the subject, ``{n}`` the figure, and one of DEGREES how it changed: "goroutines wait {long} in {x}" becomes
"goroutines wait 17.8 times as long in cache.(*Prices).Lookup".
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Degree:
    """The words of a comparison: three times as long, 40 % longer, 40 % shorter; where it begins and where it ends."""

    equal: str
    more: str
    less: str
    begins: str = "for the first time"
    ends: str = "no more"


DEGREES = {
    "long": Degree("as long", "longer", "less long"),
    "often": Degree("as often", "more often", "less often"),
    "much": Degree("as much", "more", "less"),
    "many": Degree("as many", "more", "fewer", "now", "none any more"),
    "high": Degree("as high", "higher", "lower", "above zero for the first time", "zero again"),
    "large": Degree("as large", "larger", "smaller"),
}

# Profiles that take samples may miss what there is little of: no more can be said of what they show none of.
SAMPLED_DEGREES = {word: replace(degree, begins="", ends="no more") for word, degree in DEGREES.items()}
SAMPLED_BEGIN, SAMPLED_END = ", where the profiles showed none before", ", as far as the profiles show"

# A benchmark's metrics begin with it, before their unit.
BENCH = "bench "
# Metrics of what a function costs an operation of a benchmark begin with it; the benchmark stands for the caller.
PER_OPERATION = "benchmark_"
# What metrics of what a program's users feel begin with.
FELT = (BENCH, "task_", "region_")

SENTENCES = {
    "mapassign_alloc_bytes": "assigning to maps in {x} allocates {much}",
    "mapassign_alloc_objects": "assigning to maps in {x} allocates {often}",
    "mapassign_inuse_bytes": "maps that {x} assigns to hold {much} memory",
    "mapassign_inuse_objects": "maps that {x} assigns to hold {many} objects",
    "syncmap_alloc_bytes": "sync.Map in {x} allocates {much}",
    "syncmap_alloc_objects": "sync.Map in {x} allocates {often}",
    "syncmap_inuse_bytes": "sync.Maps that {x} fills hold {much} memory",
    "syncmap_inuse_objects": "sync.Maps that {x} fills hold {many} objects",
    "makemap_alloc_bytes": "making maps in {x} allocates {much}",
    "makemap_alloc_objects": "making maps in {x} allocates {often}",
    "makemap_inuse_bytes": "maps that {x} makes hold {much} memory",
    "makemap_inuse_objects": "maps that {x} makes hold {many} objects",
    "alloc_bytes": "{x} allocates {much}",
    "alloc_objects": "{x} allocates {often}",
    "inuse_bytes": "{x} keeps {much} memory in use",
    "inuse_objects": "{x} keeps {many} objects in use",
    "goroutine_leak_count": "goroutines leak in {x}: {n}",
    "dumped_leak_count": "goroutines leak in {x}: {n}",
    "race_count": "data races of {x}: {n}",
    "block_ns": "goroutines wait {long} in {x}",
    "block_count": "goroutines wait {often} in {x}",
    "cpu_ns": "{x} takes {much} CPU time",
    "benchmark_cpu_ns": "{x} takes {much} CPU time an operation",
    "benchmark_alloc_bytes": "{x} allocates {much} an operation",
    "benchmark_alloc_objects": "{x} allocates {often} an operation",
    "cpu_under_ns": "{x}, with all that it calls, takes {much} CPU time",
    "process_cpu_ns": "the program takes {much} CPU time",
    "mutex_delay_ns": "others wait {long} for locks that {x} holds",
    "mutex_contentions": "others wait {often} for locks that {x} holds",
    "block_delay_ns": "goroutines are blocked {long} in {x}",
    "block_contentions": "goroutines are blocked {often} in {x}",
    "growth_inuse_bytes": "memory that {x} keeps grows {much} within a run",
    "goroutine_count": "goroutines that {x} created are {many}",
    "growth_goroutine_count": "goroutines that {x} created become {many} within a run",
    "goroutine_profile_count": "goroutines that began in {x} are {many}",
    "goroutine_live_count": "goroutines alive that began in {x} are {many}",
    "bench sec/op": "Benchmark {x} takes {long}",
    "bench B/op": "Each operation of benchmark {x} allocates {much}",
    "bench allocs/op": "Each operation of benchmark {x} allocates {often}",
    "task_p50_ns": "half of the tasks {x} take {long}",
    "task_p99_ns": "the slowest of the tasks {x} take {long}",
    "region_p50_ns": "half of the regions {x} take {long}",
    "region_p99_ns": "the slowest of the regions {x} take {long}",
    "runnable_ns": "goroutines of {x} wait {long} for a processor",
    "runnable_p99_ns": "goroutines wait {long} for a processor, the slowest of them",
    "running_ns": "goroutines of {x} run {long}",
    "syscall_ns": "system calls of {x} take {long}",
    "syscall_count": "{x} makes system calls {often}",
    "gc_assist_ns": "goroutines assist the collector {long}",
    "function_assist_ns": "{x} assists the collector {long}",
    "gc_pause_ns": "the collector stops the program {long}",
    "gc_mark_ns": "the collector marks {long}",
    "gc_cpu_share": "the collector takes {much} of the CPU time",
    "runtime_gc_cpu_share": "the collector takes {much} of the CPU time",
    "runtime_gc_cycles_per_second": "the collector runs {often}",
    "runtime_gc_pause_p99_ns": "the collector's longest pauses last {long}",
    "runtime_gc_pause_share": "the collector stops the program {long}",
    "runtime_sched_latency_p99_ns": "goroutines wait {long} for a processor, the slowest of them",
    "runtime_cpu_per_second": "the program takes {much} CPU time a second",
    "runtime_goroutine_count": "goroutines are {many}",
    "runtime_alloc_bytes_per_second": "the program allocates {much} a second",
    "runtime_heap_live_bytes": "the live heap is {large}",
    "runtime_heap_goal_bytes": "the collector's heap goal is {large}",
    "heap_live_bytes": "the live heap is {large}",
    "heap_after_gc_bytes": "the heap after a collection is {large}",
    "binary_bytes": "the executable is {large}",
    "package_code_bytes": "the code of package {x} is {large}",
}


@dataclass(frozen=True, slots=True)
class Stacks:
    """The rows of int_stack_costs that show a metric: which, and whether what is counted beside their value."""

    metric: str
    is_count: bool = False


# What shows a metric that has no call paths of its own: the CPU time of a benchmark.
STACKS = {
    "block_ns": Stacks("block_ns"),
    "block_count": Stacks("block_ns", is_count=True),
    "syscall_ns": Stacks("syscall_ns"),
    "syscall_count": Stacks("syscall_ns", is_count=True),
    "cpu_ns": Stacks("cpu_ns"),
    "cpu_under_ns": Stacks("cpu_ns"),
    "process_cpu_ns": Stacks("cpu_ns"),
    "runtime_cpu_per_second": Stacks("cpu_ns"),
    "mutex_delay_ns": Stacks("mutex_delay_ns"),
    "mutex_contentions": Stacks("mutex_delay_ns", is_count=True),
    "block_delay_ns": Stacks("block_delay_ns"),
    "block_contentions": Stacks("block_delay_ns", is_count=True),
    "alloc_bytes": Stacks("alloc_bytes"),
    "alloc_objects": Stacks("alloc_bytes", is_count=True),
    "inuse_bytes": Stacks("inuse_bytes"),
    "inuse_objects": Stacks("inuse_bytes", is_count=True),
    "growth_inuse_bytes": Stacks("inuse_bytes"),
    "goroutine_count": Stacks("goroutine_count"),
    "growth_goroutine_count": Stacks("goroutine_count"),
    "dumped_leak_count": Stacks("goroutine_count"),
    "goroutine_profile_count": Stacks("goroutine_profile_count"),
    "goroutine_leak_count": Stacks("goroutine_leak_count"),
    "function_assist_ns": Stacks("function_assist_ns"),
    "gc_assist_ns": Stacks("function_assist_ns"),
    "benchmark_cpu_ns": Stacks("cpu_ns"),
    "benchmark_alloc_bytes": Stacks("alloc_bytes"),
    "benchmark_alloc_objects": Stacks("alloc_bytes", is_count=True),
    "bench sec/op": Stacks("cpu_ns"),
    "bench B/op": Stacks("alloc_bytes"),
    "bench allocs/op": Stacks("alloc_bytes", is_count=True),
    "runnable_ns": Stacks("cpu_ns"),
    "running_ns": Stacks("cpu_ns"),
    "heap_live_bytes": Stacks("inuse_bytes"),
    "heap_after_gc_bytes": Stacks("inuse_bytes"),
    "runtime_heap_live_bytes": Stacks("inuse_bytes"),
    "runtime_alloc_bytes_per_second": Stacks("alloc_bytes"),
    "runtime_goroutine_count": Stacks("goroutine_profile_count"),
}
