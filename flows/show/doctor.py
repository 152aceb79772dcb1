"""What is wrong with the set-up or with what is loaded, each with the way out."""

from __future__ import annotations

import importlib.util
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.coverage import BELOW_ZERO, coverage, few_of, most_of
from tracemill.flows.show.verdicts import least_earlier_builds
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.condensed import late
from tracemill.warehouse.published import published_fingerprints
from tracemill.warehouse.queries import ask, ask_column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

# Fewer runs of a build say little of its own noise.
RUNS_WANTED = 3
MAX_NAMED = 5
KERNELS = ("pprof_wire", "stack_frames", "trace_args", "trace_order", "trace_v1", "trace_wire")


class Ailment(NamedTuple):
    """One thing that is wrong, and what to do."""

    what: str
    remedy: str


class Build(NamedTuple):
    """Of a build what a judgement needs."""

    build_id: str
    is_ordered: bool
    run_count: int
    go_version: str | None
    is_heap_known: bool | None
    known_share: float | None
    has_one_process: bool
    sees_parts: bool
    kinds: list[str]


class LeftOut(NamedTuple):
    """A capture that enters no figure, as nothing tells its process from another of its run."""

    build_id: str
    run_id: str
    path: str


class WithoutWaits(NamedTuple):
    """A kind of contention profile that tells of no wait in any build."""

    kind: str
    builds: list[str]


class Damaged(NamedTuple):
    """A capture of which a part was lost."""

    build_id: str
    path: str
    status: str
    issue_count: int


class Failed(NamedTuple):
    """An input that could not be loaded."""

    build_id: str
    path: str
    message: str


def examine(warehouse: Path) -> list[Ailment]:
    """Everything that is wrong, the gravest first. Raises WarehouseError."""
    with connect(warehouse) as connection:
        builds = ask(connection, "doctor/builds", Build)
        return [
            *_kernels(),
            *_models(warehouse, connection),
            *_inputs(connection),
            *_history(connection, builds),
            *_left_out(ask(connection, "doctor/left_out", LeftOut)),
            *_without_waits(ask(connection, "doctor/without_waits", WithoutWaits)),
            *_untimed(ask_column(connection, "doctor/untimed")),
            *_builds(builds),
        ]


def _kernels() -> list[Ailment]:
    slow = [name for name in KERNELS if not _is_compiled(name)]
    if not slow:
        return []
    return [
        Ailment(
            f"the kernels {', '.join(slow)} run uncompiled: reading a trace takes hundreds of times as long",
            "install a C compiler and Python's headers (Debian: gcc, python3-dev), and Tracemill anew",
        )
    ]


def _is_compiled(kernel: str) -> bool:
    found = importlib.util.find_spec(f"tracemill.parsers.kernels.{kernel}")
    return bool(found and found.origin and found.origin.endswith(tuple(EXTENSION_SUFFIXES)))


def _models(warehouse: Path, connection: duckdb.DuckDBPyConnection) -> list[Ailment]:
    seen = published_fingerprints(connection)
    catalog = Catalog.load(warehouse)
    loaded = catalog.build_fingerprints()
    found = []
    if stale := sorted(build for build, fingerprint in loaded.items() if seen.get(build) != fingerprint):
        what = f"the models have not seen all that is loaded of {_named(stale)}"
        found.append(Ailment(what, "tracemill build"))
    if came := late(catalog, loaded):
        found.append(
            Ailment(late_as_text(came), "tracemill forget --build B, then run over all its artifacts")
        )
    return found


def late_as_text(came: dict[str, list[str]]) -> str:
    """Which captures are in no figure, as they came after their builds' raw rows had expired."""
    paths = [path for found in came.values() for path in found]
    return (
        f"{len(paths)} captures came after raw rows of {_named(list(came))} had expired, "
        f"and not all figures have them: {_named(paths)}"
    )


def _inputs(connection: duckdb.DuckDBPyConnection) -> list[Ailment]:
    failed = ask(connection, "report/load_failures", Failed)
    damaged = ask(connection, "doctor/damaged", Damaged)
    found = [
        Ailment(
            f.message,
            "nothing of it is lost; forget the captures that are to blame, or tracemill build --full",
        )
        for f in failed
        if not f.path
    ]
    failed = [f for f in failed if f.path]
    found += [
        Ailment(f"{f.path} of {f.build_id} could not be loaded: {f.message.removeprefix(f'{f.path}: ')}",
                "mend or remove the file, and run again")
        for f in failed[:MAX_NAMED]
    ]  # fmt: skip
    if len(failed) > MAX_NAMED:
        found.append(Ailment(f"{len(failed) - MAX_NAMED} more inputs could not be loaded",
                             'tracemill sql "from load_failures"'))  # fmt: skip
    if damaged:
        paths = [f"{d.path} of {d.build_id}" for d in damaged]
        found.append(
            Ailment(
                f"of {_named(paths)} only whole parts could be read",
                "tracemill sql \"from parse_issues where severity <> 'info'\" says what is lost",
            )
        )
    return found


def _history(connection: duckdb.DuckDBPyConnection, builds: list[Build]) -> list[Ailment]:
    rests_on = coverage(connection)
    found = []
    least = least_earlier_builds(connection)
    if not rests_on.judged:
        remedy = (
            f"load {least + 1 - len(builds)} more builds; older ones can be built and measured now"
            if len(builds) <= least
            else "tracemill metrics says what is measured; docs/formats.md what each kind of capture gives"
        )
        found.append(Ailment(rests_on.sentences()[0], remedy))
    if below := most_of({m.metric: m.below_zero for m in rests_on.metrics if m.below_zero}):
        found.append(
            Ailment(
                f"not judged: {below}: {BELOW_ZERO}",
                "report what cannot fall below zero: gain and loss as two figures, or what it is a part of",
            )
        )
    if undirected := most_of({m.metric: m.undirected for m in rests_on.metrics if m.undirected}):
        found.append(
            Ailment(
                f"not judged: {undirected}: nothing says which way is better",
                "put a line such as `Unit p99-ns better=lower` above the benchmarks' results",
            )
        )
    unordered = [b.build_id for b in builds if not b.is_ordered]
    if unordered:
        found.append(
            Ailment(
                f"{_named(unordered)} {'is' if len(unordered) == 1 else 'are'} not judged: "
                f"{rests_on.why_unordered()}",
                'write {"committed_at": "2026-01-31T12:00:00Z"} into <build>/build.json: '
                "git show -s --format=%cI COMMIT gives it; or list the builds: run --order FILE",
            )
        )
    if rests_on.branches:
        found.append(
            Ailment(
                f"builds of {_named([b.branch for b in rests_on.branches])} take turns in one history: what "
                "one branch changed looks taken back at the next build of another",
                "list the builds of one: git log --first-parent --reverse --format=%h main > FILE, and "
                "run --order FILE; judge another beside one of those: gate --candidate B --baseline A",
            )
        )
    if rests_on.without_runs:
        found.append(
            Ailment(
                f"captures of {_named(rests_on.without_runs)} lie in the build's own folder and count "
                "as one run: what several processes did is added up, and nothing tells noise",
                "put the captures of each run into a folder of its own, <build>/<run>/, or say how names "
                "tell runs: --layout '{build}/{run}.pb.gz' (docs/formats.md)",
            )
        )
    untold = [b.build_id for b in builds if not b.go_version]
    if untold and len(untold) < len(builds):
        found.append(
            Ailment(
                f"nothing tells the Go release of {_named(untold)}: what another release changes there by "
                "itself counts as the code's",
                'put the program that ran into <build>/, or write {"go_version": "go1.27.3"} into '
                "<build>/build.json",
            )
        )
    return found


def _left_out(captures: list[LeftOut]) -> list[Ailment]:
    if not captures:
        return []
    runs = sorted({f"{c.build_id}/{c.run_id}" for c in captures})
    return [
        Ailment(
            f"of runs {_named(runs)} profiles are in no figure beside others of their kind, as nothing tells "
            f"whether they are of the same process: {_named([c.path for c in captures])}",
            "where a run has several processes, put the captures of each into a folder of its own: "
            "<build>/<run>/<process>/",
        )
    ]


def _without_waits(kinds: list[WithoutWaits]) -> list[Ailment]:
    switches = {"block": "runtime.SetBlockProfileRate", "mutex": "runtime.SetMutexProfileFraction"}
    return [
        Ailment(
            f"{k.kind} profiles of {_named(k.builds)} tell of no wait in the program's code, as those of all "
            "builds: a lock that is held longer would not show",
            f"a program records such waits only after {switches[k.kind]}: call it where it starts, or take "
            "execution traces",
        )
        for k in kinds
    ]


def _untimed(builds: list[str]) -> list[Ailment]:
    if not builds:
        return []
    return [
        Ailment(
            f"snapshots of the runtime of {_named(builds)} do not say when they were taken: what they count "
            "up, as allocations and collections, has no rate and is not judged",
            "write the time behind each value (in /metrics, milliseconds since 1970) or in a field beside "
            "them (in JSON, time)",
        )
    ]


def _builds(builds: list[Build]) -> list[Ailment]:
    found = []
    few = [b.build_id for b in builds if 0 < b.run_count < RUNS_WANTED]
    if few:
        found.append(
            Ailment(
                f"{_named(few)} {'has' if len(few) == 1 else 'have'} fewer than {RUNS_WANTED} runs: "
                "small changes drown in noise",
                f"record {RUNS_WANTED} runs of a build, each in a folder of its own",
            )
        )
    if same := [b.build_id for b in builds if b.has_one_process]:
        found.append(
            Ailment(
                f"heap profiles of different runs of {_named(same)} are captures of one process: what is "
                "in use is common to them, and counts as of one run",
                "start the service anew for each run",
            )
        )
    if parts := [b.build_id for b in builds if b.sees_parts]:
        found.append(
            Ailment(
                f"traces and CPU profiles of {_named(parts)} saw different parts of the work that run.json "
                "counts, and are divided by all of it: what they say of a unit of work is too little",
                'say in run.json how long the work took: {"work": {"requests": 40000, "seconds": 90}}',
            )
        )
    if bare := [b for b in builds if b.is_heap_known is False]:
        named = _named([b.build_id for b in bare])
        unknown = 1 - min(b.known_share or 0 for b in bare)
        is_shown = all({"trace", "cpu"} <= set(b.kinds) for b in bare)
        record = "" if is_shown else ", or record a trace and a CPU profile of the same run"
        found.append(
            Ailment(
                f"{named} {'has' if len(bare) == 1 else 'have'} heap profiles of which up to {unknown:.0%} "
                "is not known: no binary fits, and neither traces nor other profiles tell what allocated it",
                f"put the program that ran into <build>/ (compressed as it pleases){record}",
            )
        )
    ordered = [b for b in builds if b.is_ordered]
    if len(ordered) > 1:
        before = {kind for b in ordered[-4:-1] for kind in b.kinds}
        missing = sorted(before - set(ordered[-1].kinds))
        if missing:
            found.append(
                Ailment(
                    f"{ordered[-1].build_id}, the newest build, has no {', '.join(missing)}, "
                    "which the builds before it have",
                    "what is not measured cannot be judged: see why its recording lacks it",
                )
            )
    return found


def _named(names: Sequence[str]) -> str:
    return few_of(names, MAX_NAMED)


def as_text(found: list[Ailment]) -> str:
    """What is wrong, one after the other, each with the way out."""
    if not found:
        return "nothing is wrong\n"
    return "".join(f"{ailment.what}\n    → {ailment.remedy}\n" for ailment in found)
