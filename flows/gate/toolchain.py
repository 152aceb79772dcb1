"""What another release of Go changes by itself: known breaks as data, and the same function under both names.

Of two builds of one commit that differ in their toolchain only, no difference is the code's. Of builds that
differ in both, each metric says which known breaks apply to it. Sources are the release notes (go.dev/doc/goN)
and the issues that they name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.warehouse.compared import Sides
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Break:
    """Something that Go 1.minor changed. metrics: a pattern of those that it moves; source: who says so."""

    minor: int
    metrics: str
    text: str
    source: str


_HEAP = r"(alloc|inuse|package|growth_inuse|heap|runtime_(alloc|heap)).*"
BREAKS = (
    Break(22, r"mutex_.*", "the mutex profile scales delays by how many goroutines wait", "golang/go#61015"),
    Break(22, r"mutex_.*", "the mutex profile has the runtime's own locks too", "go.dev/doc/go1.22"),
    Break(22, r".*", "loop variables are of each iteration where go.mod says 1.22: closures may allocate more",
          "go.dev/doc/go1.22"),
    Break(23, r"(mutex|block|alloc|inuse|goroutine).*", "profiles keep 128 frames of a stack, not 32: longer paths, and "
          "more memory for recursive ones (GODEBUG=profstackdepth=32)", "golang/go#69590"),
    Break(23, r"(block|goroutine|inuse|heap).*", "timers that nothing refers to are collected, and their channels have no "
          "buffer, where go.mod says 1.23", "go.dev/doc/go1.23"),
    Break(24, r"(mapassign|makemap|package_mapassign|alloc|inuse|cpu|bench).*", "maps are Swiss tables: other sizes, other "
          "growth, other runtime functions below an assignment", "go.dev/doc/go1.24"),
    Break(24, r"(mapassign|syncmap|alloc|inuse).*", "sync.Map is a hash trie: its allocations are no map assignments any "
          "more", "go.dev/doc/go1.24"),
    Break(24, r"bench .*", "benchmarks may use b.Loop, which keeps the compiler from optimising their bodies away",
          "go.dev/doc/go1.24"),
    Break(25, r"mutex_.*", "contention of the runtime's own locks is booked where the critical section ends",
          "go.dev/doc/go1.25"),
    Break(25, r"(runnable|running|gc_|runtime_|task_|block).*", "GOMAXPROCS follows the CPU limit of the container",
          "go.dev/doc/go1.25"),
    Break(25, r"(alloc|bench|cpu).*", "more slices have their backing store on the stack", "go.dev/doc/go1.25"),
    Break(26, r"(gc_|runtime_gc|function_assist|cpu|heap|runtime_heap).*", "the Green Tea collector is the default (1.25: "
          "GOEXPERIMENT=greenteagc)", "go.dev/doc/go1.26"),
    Break(26, r"(alloc|bench|cpu).*", "slices that append makes begin on the stack", "go.dev/doc/go1.26"),
    Break(26, r"bench .*", "b.Loop no longer keeps the bodies of benchmarks from inlining", "go.dev/doc/go1.26"),
    Break(27, r"(bench|cpu).*", "small objects are allocated by functions for their size "
          "(GOEXPERIMENT=nosizespecializedmalloc)", "golang/go#79286"),
    Break(27, r"(alloc|cpu|bench|mapassign|makemap|binary|package_code|task|region).*", "encoding/json is made of its "
          "second version: other functions and allocations (GOEXPERIMENT=nojsonv2)", "golang/go#79788"),
    Break(22, r".*", "wrappers of go and defer statements are called gowrap and deferwrap", "cmd/compile"),
    Break(23, r".*", "bodies of loops over functions are called F-range1", "go.dev/doc/go1.23"),
)  # fmt: skip
_MINOR = re.compile(r"go1\.(\d+)")
# What does not tell a function from itself under another release: type arguments, numbers of closures and wrappers.
_TYPES = re.compile(r"\[[^\[\]]*\]")
_INNER = re.compile(r"(?:\.(?:func|gowrap|deferwrap)?\d+|·(?:func|dwrap·)?\d+|-range\d+|-fm)+(?![\w*(])")


class _Build(NamedTuple):
    build_id: str
    go_version: str | None
    commit: str | None


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The releases of two builds. is_only: they are known to be of the same source."""

    before: str
    after: str
    is_only: bool

    @property
    def known(self) -> list[Break]:
        """The breaks between the two, in whichever direction."""
        minors = sorted(_minor(version) for version in (self.before, self.after))
        return [b for b in BREAKS if minors[0] < b.minor <= minors[1]]

    def of(self, metric: str) -> list[Break]:
        """Those of the breaks that move a metric."""
        return [b for b in self.known if re.fullmatch(b.metrics, metric)]

    def sentence(self, metrics: list[str] | None) -> str:
        """In words, with what is known of any of the metrics, or with None of all."""
        what = "is all that differs" if self.is_only else "differs too"
        applying = dict.fromkeys(
            self.known if metrics is None else [b for metric in metrics for b in self.of(metric)]
        )
        known = "; ".join(f"{b.text} (1.{b.minor}, {b.source})" for b in applying)
        return f"Go {self.before} → {self.after} {what}" + (f". Known: {known}" if known else "")


def _minor(version: str) -> int:
    match = _MINOR.match(version)
    return int(match[1]) if match else 0


def between(
    connection: duckdb.DuckDBPyConnection, before: str, after: str, *, is_same_source: bool = False
) -> Toolchain | None:
    """The releases of two builds, where both are known and differ by more than a patch."""
    builds = {
        b.build_id: b for b in ask(connection, "compare/toolchains", _Build, before=before, after=after)
    }
    one, other = builds.get(before), builds.get(after)
    if not (one and other and one.go_version and other.go_version):
        return None
    if _minor(one.go_version) == _minor(other.go_version):
        return None
    is_only = is_same_source or (one.commit is not None and one.commit == other.commit)
    return Toolchain(one.go_version, other.go_version, is_only)


def plain_name(subject: str) -> str:
    """A function's name, or a subject that has some, without what releases of Go call differently."""
    while (shorter := _TYPES.sub("", subject)) != subject:
        subject = shorter
    return _INNER.sub("", subject)


def paired(sides: list[Sides]) -> list[Sides]:
    """Series of one side each that are the same function under another release's name, as one."""
    alone: dict[tuple[str, str], list[Sides]] = {}
    for s in sides:
        if not s.before or not s.after:
            run = (s.before or s.after)[0]
            alone.setdefault((run.metric, plain_name(run.subject)), []).append(s)
    joined: dict[int, Sides | None] = {}
    for group in alone.values():
        befores, afters = [s for s in group if s.before], [s for s in group if s.after]
        if len(befores) == len(afters) == 1:
            joined[id(befores[0])] = Sides(befores[0].before, afters[0].after)
            joined[id(afters[0])] = None
    return [found for s in sides if (found := joined.get(id(s), s)) is not None]
