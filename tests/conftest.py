"""What many tests share: a folder of artifacts made of real samples."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tracemill.flows.run import Ran
from tracemill.flows.run import run as run_job

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parent / "samples"


def hear_ctrl_c() -> None:
    """In a process to be started: a background job's children ignore Ctrl-C otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Two builds of two runs, each with three real profiles, and their work."""
    return two_builds(tmp_path)


def two_builds(folder: Path) -> Path:
    """The artifacts, in a folder of theirs."""
    top = folder / "artifacts"
    for build, commit in (("b1", "aaa"), ("b2", "bbb")):
        for run in ("1", "2"):
            folder = top / build / run
            folder.mkdir(parents=True)
            for name in ("heap", "block", "mutex"):
                shutil.copy(SAMPLES / f"pprof/go1.27/{name}.pb.gz", folder)
            (folder / "run.json").write_text('{"work": {"requests": 100}}')
        (top / build / "build.json").write_text(
            f'{{"commit": "{commit}", "committed_at": "2026-01-0{build[1]}T00:00:00Z", "labels": {{"a": 1}}}}'
        )
    return top


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """The main job on a copy of the demo's artifacts alone, and its warehouse, only to be read.

    Test processes that run at once share it: the first that needs it makes it.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, told = shared / "demo", shared / "demo.ran"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            shutil.copytree(SAMPLES.parents[1] / "examples/artifacts", folder / "artifacts")
            made = run_job([folder / "artifacts"], folder / "w", folder / "exports")
            told.write_bytes(pickle.dumps(made))
        return pickle.loads(told.read_bytes()), folder / "w"


@pytest.fixture(scope="session")
def demo(ran: tuple[Ran, Path]) -> Path:
    """The demo's warehouse, for tests that only read it."""
    return ran[1]


@pytest.fixture
def no_earlier_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest state of a warehouse is kept, as if a day and ten runs had passed."""
    monkeypatch.setattr("tracemill.warehouse.catalog.KEPT_OPERATIONS", 1)
    monkeypatch.setattr("tracemill.warehouse.catalog.KEPT_SECONDS", 0.0)


@pytest.hookimpl(tryfirst=True)  # before those that -m leaves out are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the cases of a test that is marked ``sampled``, mark all but the first as ``full``."""
    begun: set[str] = set()
    for item in items:
        if item.get_closest_marker("sampled"):
            test = item.nodeid.partition("[")[0]
            if test in begun:
                item.add_marker("full")
            begun.add(test)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of docs/attribution.md as the tests measured it."""
    rows = sorted(_measured(terminalreporter))
    if rows:
        terminalreporter.section("precision and recall by bytes of map allocations")
        for method, versions, precision, recall in rows:
            terminalreporter.write_line(f"{method:48} {precision:.3f} {recall:.3f}  Go {versions}")


def _measured(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str, float, float]]:
    """Method, Go versions, the least precision and recall of all of them."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for report in (*reporter.getreports("passed"), *reporter.getreports("failed")):
        for name, value in getattr(report, "user_properties", ()) if report.when == "call" else ():
            if name == "attribution":
                found.setdefault(value[0], []).append(tuple(value[1:]))
    for method, values in found.items():
        versions = ", ".join(sorted({v for v, _, _ in values}))
        yield method, versions, min(p for _, p, _ in values), min(r for _, _, r in values)
