"""Every metric and every source of figures, declared once: unit, polarity, floor, family, whether it is judged.

The rows are published as the tables ``metrics`` and ``metric_sources``; the models join them, so a new metric is
one entry here and one model in sql/intermediate/figures that yields its figures.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """The captures that a figure is taken from, and what makes figures of two runs comparable.

    kinds: kinds of captures. divided_by: what the sums of a run are divided by. ``work``: units of work, where the
    run counts them; ``work or time``: else the seconds observed; ``nothing``. exhaustive: when a subject that a run
    does not show is zero there. ``whole``: when its captures are undamaged; ``several``: when
    they are and the run has more than one, without which it has no such figure; ``maps told``: when nearly all sampled
    bytes are told apart into map assignments and others; ``never``: what is not shown is unknown.
    sample_type: of a heap profile, which of its figures. load: how figures depend on what a run had to do:
    ``rate`` (on work a second), ``amount`` (on the amount of work), ``duration`` (where no work is counted), ``none``.
    is_by_clock: whether they get worse where others use the processors: waits last longer, and so more is under way.
    """

    name: str
    kinds: tuple[str, ...]
    divided_by: str
    exhaustive: str
    load: str
    text: str
    sample_type: str | None = None
    is_by_clock: bool = False

    @property
    def is_sampled(self) -> bool:
        """Whether it may miss what there is little of: its captures are profiles that take samples."""
        return self.sample_type is not None or self.name in {"cpu", "benchmark_cpu", "mutex", "block"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    unit: of the value before it is divided. polarity: 1 when up is worse, -1 when down is worse, 0 when neither is;
    a figure's own polarity comes first. is_sum: whether a run's value is divided as its source says.
    floor: the smallest amount worth a word, in the metric's own unit, of a whole run before it is divided;
    floor_per_second: the same for each second observed; floor_samples: in samples of a heap profile. The largest counts.
    place: what a subject is: ``site``, a function in whose code the cost arises; ``derived``, what feels the costs of
    sites: a caller, an entry function, a benchmark, a task, the whole program.
    is_judged: whether its changes are verdicts. is_fault: whether one alone is a regression, whatever came before.
    is_timed: whether a slower machine makes all of its series slower together.
    family: metrics that show the same cause, which share an error rate.
    """

    name: str
    unit: str
    polarity: int
    measure: str
    is_sum: bool
    floor: float
    floor_per_second: float
    floor_samples: float
    is_judged: bool
    is_fault: bool
    is_timed: bool
    family: str
    place: str
    text: str


_HEAP = ("heap", "allocs")
# A trace as a whole, and a snapshot of a flight recorder.
TRACE_KINDS = ("trace", "flight")

_SOURCES = (
    Source("trace", TRACE_KINDS, "work or time", "whole", "rate", "Execution traces, of a build without any snapshots of flight recorders; windows that overlap count once.", is_by_clock=True),
    Source("trace_amount", TRACE_KINDS, "nothing", "whole", "rate", "What is there while execution traces run, in all processes of the run together.", is_by_clock=True),
    Source("heap_alloc", _HEAP, "work", "whole", "duration", "Allocations since the process began, of the last heap or allocs profile; of a process that ran before the run, in it (int_counted_since).", "alloc_space"),
    Source("heap_inuse", _HEAP, "nothing", "whole", "amount", "Memory in use at the last heap profile.", "inuse_space"),
    Source("heap_growth", _HEAP, "nothing", "several", "amount", "The first and the last heap profile of a run that has several.", "inuse_space"),
    Source("map_alloc", _HEAP, "work", "maps told", "duration", "Allocations whose allocating function of the runtime is known.", "alloc_space"),
    Source("map_inuse", _HEAP, "nothing", "maps told", "amount", "Memory in use whose allocating function of the runtime is known.", "inuse_space"),
    Source("cpu", ("cpu",), "work or time", "whole", "rate", "CPU profiles."),
    Source("benchmark_cpu", ("cpu",), "nothing", "never", "none", "CPU profiles below the benchmarks of their run."),
    Source("benchmark_alloc", _HEAP, "nothing", "never", "none", "Allocations below the benchmarks of their run that tell theirs.", "alloc_space"),
    Source("mutex", ("mutex", "mutex_text"), "work", "whole", "rate", "The last mutex profile: contention, counted as heap_alloc is.", is_by_clock=True),
    Source("block", ("block", "block_text"), "work", "whole", "rate", "The last block profile: blocking, counted as heap_alloc is.", is_by_clock=True),
    Source("goroutines", ("goroutine_dump",), "nothing", "whole", "amount", "The last goroutine dump; a crash report is none.", is_by_clock=True),
    Source("goroutine_growth", ("goroutine_dump",), "nothing", "several", "amount", "The first and the last goroutine dump of a run that has several.", is_by_clock=True),
    Source("goroutine_profile", ("goroutine", "goroutine_text"), "nothing", "whole", "amount", "The last goroutine profile.", is_by_clock=True),
    Source("goroutineleak", ("goroutineleak", "goroutineleak_text"), "nothing", "whole", "amount", "The last goroutineleak profile (Go 1.26 and later)."),
    Source("dumped_leaks", ("goroutine_dump",), "nothing", "never", "amount", "The last goroutine dump, as far as the runtime had looked for leaks (debug=2 of a goroutineleak profile)."),
    Source("race", ("race",), "nothing", "never", "none", "Reports of the race detector."),
    Source("gctrace", ("gctrace",), "nothing", "whole", "rate", "Lines of GODEBUG=gctrace=1."),
    Source("runtime", ("runtime_metrics", "expvar", "prometheus"), "nothing", "never", "rate", "Snapshots of runtime/metrics, expvar or Prometheus' Go collector: the last one, or what was between the first and the last.", is_by_clock=True),
    Source("benchmark", ("benchmarks",), "nothing", "never", "none", "Results of go test -bench."),
    Source("binary", ("binary",), "nothing", "whole", "none", "The code in the build's executable."),
    Source("binary_size", ("binary",), "nothing", "never", "none", "The size of the build's executable, unpacked."),
)


def _metric(
    name: str, unit: str, measure: str, family: str, text: str, *, polarity: int = 1, floor: float = 0,
    per_second: float = 0, samples: float = 0, is_sum: bool = True, is_judged: bool = True,
    is_fault: bool = False, is_timed: bool = False,
) -> Metric:
    derived = {"benchmarks", "tasks", "scheduling", "collector", "heap size", "binary size"}
    named = {"cpu_under_ns", "process_cpu_ns", "running_ns", "runtime_goroutine_count", "runtime_cpu_per_second"}
    place = "derived" if family in derived or name in named else "site"
    return Metric(name, unit, polarity, measure, is_sum, floor, per_second, samples, is_judged, is_fault, is_timed, family, place, text)


def _heap_metrics(prefix: str, text: str) -> tuple[Metric, ...]:
    """Bytes and objects, allocated and in use; of maps only where the allocating function is known."""
    found = []
    for kind, still in (("alloc", ""), ("inuse", " and still in use")):
        measure, is_sum = f"{'map' if prefix else 'heap'}_{kind}", kind == "alloc"
        found.append(_metric(f"{prefix}{kind}_bytes", "bytes", measure, "heap", f"Bytes {text}{still}.", floor=65536, samples=1, is_sum=is_sum))
        found.append(_metric(f"{prefix}{kind}_objects", "count", measure, "heap", f"Objects {text}{still}.", floor=8192, is_sum=is_sum))
    return tuple(found)


# In the order in which they lead an incident: what names a cause best comes first.
_METRICS = (
    # Faults: leaks and races
    _metric("goroutine_leak_count", "count", "goroutineleak", "goroutines", "Leaked goroutines in a goroutineleak profile, by the function where they wait for ever.", floor=.25, is_sum=False, is_fault=True),
    _metric("dumped_leak_count", "count", "dumped_leaks", "goroutines", "Goroutines that a dump calls leaked, by the function where they wait for ever.", floor=.25, is_sum=False, is_fault=True),
    _metric("race_count", "count", "race", "races", "Distinct data races that go test -race reported, by the functions whose accesses they are.", floor=.25, is_sum=False, is_fault=True),
    # Heap profiles: maps
    *_heap_metrics("mapassign_", "allocated by assigning to maps"),
    *_heap_metrics("syncmap_", "allocated by sync.Map"),
    *_heap_metrics("makemap_", "allocated by making or cloning maps"),
    _metric("package_mapassign_alloc_bytes", "bytes", "map_alloc", "heap", "mapassign_alloc_bytes of a package's functions together.", floor=65536, samples=1, is_judged=False),
    _metric("package_mapassign_inuse_bytes", "bytes", "map_inuse", "heap", "mapassign_inuse_bytes of a package's functions together.", floor=65536, samples=1, is_judged=False, is_sum=False),
    # Benchmarks, by what their profiles show of one operation
    _metric("benchmark_alloc_bytes", "B/op", "benchmark_alloc", "heap", "Bytes that the function allocates in an operation of a benchmark: its share of all below the benchmark, of the benchmark's B/op.", floor=16, is_sum=False),
    _metric("benchmark_alloc_objects", "allocs/op", "benchmark_alloc", "heap", "Objects that it allocates in an operation: its share of the benchmark's allocs/op.", floor=.5, is_sum=False),
    _metric("benchmark_cpu_ns", "ns/op", "benchmark_cpu", "cpu", "CPU time in the function, and in what of the standard library it calls, in an operation of a benchmark.", floor=1, is_sum=False, is_timed=True),
    # Waiting, of execution traces
    _metric("block_ns", "ns", "trace", "waiting", "Time that goroutines waited in the function, by reason.", per_second=1e6),
    _metric("block_count", "count", "trace", "waiting", "How often goroutines waited in the function, by reason: steadier than the time; of waits within a request only the time is judged.", floor=50),
    _metric("wait_p99_ns", "ns", "trace", "waiting", "99th percentile of these waits.", floor=1e5, is_sum=False, is_judged=False),
    _metric("package_block_ns", "ns", "trace", "waiting", "block_ns of a package's functions together.", per_second=1e6, is_judged=False),
    # CPU, mutex and block profiles
    _metric("cpu_ns", "ns", "cpu", "cpu", "CPU time in the function and in what of the standard library it calls.", floor=3e7, per_second=1e7),
    _metric("cpu_under_ns", "ns", "cpu", "cpu", "CPU time in the function and all that it calls.", floor=3e7, per_second=1e7),
    _metric("process_cpu_ns", "ns", "cpu", "cpu", "CPU time of the whole process.", floor=3e7, per_second=1e7),
    _metric("mutex_delay_ns", "ns", "mutex", "contention", "Time that others waited for locks which the function held.", floor=1e7),
    _metric("mutex_contentions", "count", "mutex", "contention", "How often others waited for locks which the function held.", floor=50),
    _metric("block_delay_ns", "ns", "block", "contention", "Time that goroutines were blocked in the function, as the block profile has it.", floor=1e7),
    _metric("block_contentions", "count", "block", "contention", "How often they were; within a request only the delay is judged.", floor=50),
    # Heap profiles: all sites
    *_heap_metrics("", "allocated by the function, maps among them"),
    _metric("growth_inuse_bytes", "bytes", "heap_growth", "heap", "How much more of the function's memory is in use at a run's last heap profile than at its first.", floor=1 << 20, samples=2, is_sum=False),
    # Goroutines
    _metric("goroutine_count", "count", "goroutines", "goroutines", "Goroutines in a dump, by the function that created them.", floor=10, is_sum=False),
    _metric("goroutine_state_count", "count", "goroutines", "goroutines", "The same by state.", floor=10, is_sum=False, is_judged=False),
    _metric("growth_goroutine_count", "count", "goroutine_growth", "goroutines", "How many more goroutines of a creator there are in a run's last dump than in its first.", floor=10, is_sum=False),
    _metric("goroutine_profile_count", "count", "goroutine_profile", "goroutines", "Goroutines in a goroutine profile, by their entry function.", floor=10, is_sum=False),
    _metric("goroutine_live_count", "count", "trace_amount", "goroutines", "Goroutines alive at a trace's end, by their entry function.", floor=10, is_sum=False),
    # Benchmarks
    _metric("bench sec/op", "sec/op", "benchmark", "benchmarks", "Time of an operation.", floor=1e-9, is_sum=False, is_timed=True),
    _metric("bench B/op", "B/op", "benchmark", "benchmarks", "Bytes that an operation allocates.", floor=16, is_sum=False),
    _metric("bench allocs/op", "allocs/op", "benchmark", "benchmarks", "Allocations of an operation.", floor=.5, is_sum=False),
    _metric("bench *", "", "benchmark", "benchmarks", "Any other unit of a benchmark: a rate is better when it is higher; a Unit line may say which way is better. Below zero it is not judged.", polarity=0, floor=1e-9, is_sum=False),
    # User annotations
    _metric("task_p50_ns", "ns", "trace", "tasks", "Median duration of the tasks of a name.", floor=1e5, is_sum=False),
    _metric("task_p99_ns", "ns", "trace", "tasks", "99th percentile of the duration of the tasks of a name.", floor=1e6, is_sum=False),
    _metric("task_count", "count", "trace", "tasks", "Tasks of a name that ended.", polarity=0, floor=20, is_judged=False),
    _metric("region_p50_ns", "ns", "trace", "tasks", "Median duration of the regions of a name.", floor=1e5, is_sum=False),
    _metric("region_p99_ns", "ns", "trace", "tasks", "99th percentile of the duration of the regions of a name.", floor=1e6, is_sum=False),
    _metric("region_count", "count", "trace", "tasks", "Regions of a name that ended.", polarity=0, floor=20, is_judged=False),
    # Scheduling, of execution traces
    _metric("runnable_ns", "ns", "trace", "scheduling", "Time that goroutines of an entry function were ready and had no processor.", per_second=1e7),
    _metric("runnable_p50_ns", "ns", "trace", "scheduling", "Median of these times, over all goroutines.", floor=1e5, is_sum=False, is_judged=False),
    _metric("runnable_p99_ns", "ns", "trace", "scheduling", "99th percentile of these times, over all goroutines.", floor=1e6, is_sum=False),
    _metric("running_ns", "ns", "trace", "cpu", "Time that goroutines of an entry function ran, by the clock; where CPU profiles contradict a change it is no verdict.", per_second=1e7),
    _metric("syscall_ns", "ns", "trace", "syscalls", "Time in system calls under the function.", per_second=1e7),
    _metric("syscall_count", "count", "trace", "syscalls", "System calls under the function that the trace shows.", floor=200),
    # The collector
    _metric("gc_assist_ns", "ns", "trace", "collector", "Time that goroutines worked for the collector when they allocated.", per_second=1e6),
    _metric("function_assist_ns", "ns", "trace", "collector", "The part of gc_assist_ns under the function.", per_second=1e6),
    _metric("gc_pause_ns", "ns", "trace", "collector", "Time in which the collector stopped the program.", per_second=1e6),
    _metric("gc_mark_ns", "ns", "trace", "collector", "Time in which the collector marked.", per_second=1e7),
    _metric("gc_assist_share", "share", "trace", "collector", "Part of the trace's time spent in assists, over all goroutines.", floor=.001, is_sum=False, is_judged=False),
    _metric("gc_pause_share", "share", "trace", "collector", "Part of the trace's time in which the program was stopped.", floor=.001, is_sum=False, is_judged=False),
    _metric("gc_cpu_share", "share", "gctrace", "collector", "Part of the process's CPU time that the collector took, as gctrace says it last, in whole percent.", floor=.015, is_sum=False),
    _metric("runtime_gc_cpu_share", "share", "runtime", "collector", "Part of the program's processor time that the collector took, between the first snapshot and the last.", floor=.01, is_sum=False),
    _metric("runtime_gc_cycles_per_second", "count/s", "runtime", "collector", "Collections a second, between the first snapshot and the last.", floor=.05, is_sum=False),
    _metric("runtime_gc_pause_p99_ns", "ns", "runtime", "collector", "99th percentile of the collector's pauses: the upper bound of its bucket.", floor=1e5, is_sum=False),
    _metric("runtime_gc_pause_share", "share", "runtime", "collector", "Part of the time in which the collector stopped the program, of a sum of pauses.", floor=.001, is_sum=False),
    _metric("runtime_sched_latency_p99_ns", "ns", "runtime", "scheduling", "99th percentile of the time that goroutines were ready and had no processor: the upper bound of its bucket.", floor=1e5, is_sum=False),
    _metric("runtime_cpu_per_second", "s/s", "runtime", "cpu", "CPU seconds of the whole process a second (process_cpu_seconds_total of Prometheus), between the first snapshot and the last.", floor=.02, is_sum=False),
    _metric("runtime_goroutine_count", "count", "runtime", "goroutines", "Goroutines at the last snapshot.", floor=10, is_sum=False),
    _metric("runtime_alloc_bytes_per_second", "bytes/s", "runtime", "heap size", "Bytes allocated a second, between the first snapshot and the last.", floor=1 << 20, is_sum=False),
    _metric("runtime_heap_live_bytes", "bytes", "runtime", "heap size", "Heap that the last collection found live, at the last snapshot; before Go 1.21 the heap in use.", floor=1 << 20, is_sum=False),
    _metric("runtime_heap_goal_bytes", "bytes", "runtime", "heap size", "The collector's heap goal at the last snapshot.", floor=1 << 20, is_sum=False),
    _metric("heap_live_bytes", "bytes", "trace_amount", "heap size", "Largest live heap that the trace shows.", floor=1 << 20, is_sum=False),
    _metric("heap_goal_bytes", "bytes", "trace_amount", "heap size", "Largest heap goal that the trace shows.", floor=1 << 20, is_sum=False, is_judged=False),
    _metric("heap_after_gc_bytes", "bytes", "gctrace", "heap size", "Largest heap after a collection, as gctrace says it.", floor=2 << 20, is_sum=False),
    # Binaries
    _metric("binary_bytes", "bytes", "binary_size", "binary size", "Size of the executable, unpacked.", floor=65536, is_sum=False),
    _metric("package_code_bytes", "bytes", "binary", "binary size", "Machine code of a package's functions.", floor=16384, is_sum=False),
)

SOURCES = {source.name: source for source in _SOURCES}
METRICS = {metric.name: metric for metric in _METRICS}


def is_sampled(metric: str) -> bool:
    """Whether it is told by profiles that take samples: none in them does not say that there was none."""
    return metric in METRICS and SOURCES[METRICS[metric].measure].is_sampled


def metric_rows() -> list[dict[str, object]]:
    """The rows of the table ``metrics``."""
    return [
        {
            "metric": m.name, "unit": m.unit, "polarity": m.polarity, "measure": m.measure, "is_sum": m.is_sum,
            "floor": float(m.floor), "floor_per_second": float(m.floor_per_second),
            "floor_samples": float(m.floor_samples), "is_judged": m.is_judged, "is_fault": m.is_fault, "is_timed": m.is_timed, "family": m.family,
            "place": m.place, "lead_order": order, "meaning": m.text,
        }
        for order, m in enumerate(METRICS.values(), 1)
    ]


def source_rows() -> list[dict[str, object]]:
    """The rows of the table ``metric_sources``."""
    return [
        {
            "measure": s.name, "kinds": list(s.kinds), "sample_type": s.sample_type, "divided_by": s.divided_by,
            "exhaustive": s.exhaustive, "load_dependence": s.load,
            "is_by_clock": s.is_by_clock, "meaning": s.text,
        }
        for s in SOURCES.values()
    ]
