"""Jobs on a real Dask cluster: the tables of one machine, deaths of workers, and what is refused."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLES, hear_ctrl_c
from tracemill.flows.build import build
from tracemill.flows.engine import Load
from tracemill.flows.loading.discover import InputError
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.progress import Silent
from tracemill.flows.run import run
from tracemill.flows.scheduled.cluster import ClusterError, cluster
from tracemill.flows.scheduled.on_dask import OnDask
from tracemill.flows.scheduled.worker import Errand, code, why_unfit
from tracemill.parsers.api import Options
from tracemill.warehouse import connect
from tracemill.warehouse.address import ADDRESS_FILE
from tracemill.warehouse.catalog import Catalog

from .clusters import Workers, ended, workers
from .server import TOP, Api, eventually, free_port, serving, stop, tracemill

EXAMPLES = SAMPLES.parents[1] / "examples/artifacts"
BUILDS = ("b01", "b02")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Two workers that nothing happens to."""
    with workers(tmp_path_factory.mktemp("cluster"), 2) as found:
        yield found


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the example's builds."""
    top = tmp_path_factory.mktemp("builds") / "artifacts"
    for name in BUILDS:
        shutil.copytree(EXAMPLES / name, top / name)
    return top


@pytest.fixture(scope="module")
def here(builds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their warehouse, made on one machine."""
    folder = tmp_path_factory.mktemp("here")
    run([builds], folder / "w", folder / "exports")
    return folder / "w"


def tables(root: Path) -> dict[str, list[Any]]:
    """Number and hash of the rows of each table that a warehouse shows, to the last bit of each figure.

    Of a stack that several captures have, ``pcs`` is that of the one which was loaded first, anywhere.
    """
    found = {}
    with connect(root) as connection:
        for (name,) in connection.execute("show tables").fetchall():
            if name != "_published":
                left = "exclude (pcs)" if name in {"stacks", "stg_stacks"} else ""
                rows = f'(select * {left} from "{name}") as row'
                found[name] = connection.execute(
                    f"select count(*), sum(hash(row)::hugeint)::varchar from {rows}"
                ).fetchall()
    return found


def assert_same(one: Path, other: Path) -> None:
    ours, theirs = tables(one), tables(other)
    assert ours.keys() == theirs.keys()
    differing = [name for name in ours if ours[name] != theirs[name]]
    assert differing == []


def test_a_cluster_makes_the_tables_of_one_machine_bit_for_bit(
    pair: Workers, builds: Path, here: Path, tmp_path: Path
) -> None:
    ran = OnDask(pair.address).run(Load([builds], tmp_path / "w", Options(), None), tmp_path / "exports")
    assert len(ran.ingested.loaded) == len(Catalog.load(here).captures)
    assert not ran.ingested.failures
    assert set(ran.published.builds) == set(BUILDS)
    assert_same(here, tmp_path / "w")
    for file in sorted((here.parent / "exports").rglob("*.csv")):
        assert file.read_bytes() == (tmp_path / "exports" / file.name).read_bytes(), file.name
    assert not list((tmp_path / "w").glob(".cluster-*"))
    again = OnDask(pair.address).run(Load([builds], tmp_path / "w", Options(), None), tmp_path / "exports")
    assert again.is_nothing_new


class Killer(Silent):
    """Kills a worker each time so many steps are done, and starts another."""

    def __init__(self, of: Workers, every: int, most: int) -> None:
        self._of, self._every, self._left, self._steps = of, every, most, 0

    def step(self, detail: str) -> None:
        self._steps += 1
        if self._steps % self._every == 0 and self._left:
            self._left -= 1
            victim = self._of.workers[0]
            victim.kill()
            ended(victim)
            self._of.replace_dead()


@pytest.mark.full
def test_workers_that_are_killed_in_the_middle_change_nothing(
    builds: Path, here: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    with workers(tmp_path, 2) as found, cluster(found.address, root, [builds]) as chosen:
        loads = Killer(found, every=10, most=2)
        done = ingest([builds], root, read=chosen.read, load=chosen.load, progress=loads)
        builder = Killer(found, every=1, most=1)
        build(root, elsewhere=chosen.models(builder))
    assert not done.failures
    assert (loads._left, builder._left) == (0, 0)
    assert_same(here, root)


# In a worker: a file of this name ends it, as a lack of memory would.
DEADLY = """
import os, tracemill.flows.loading.capture as capture
capture.Source = lambda file, members, shown, source=capture.Source: (
    os._exit(9) if shown.endswith("deadly") else source(file, members, shown=shown)
)
"""


@pytest.mark.full
def test_a_file_that_kills_its_workers_fails_alone_and_by_name(artifacts: Path, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "pprof/go1.27/mutex.pb.gz", artifacts / "b1/1/deadly")
    with (artifacts / "b1/1/deadly").open("ab") as file:
        file.write(b"\0")  # another content than its neighbour's
    is_over = threading.Event()
    with workers(tmp_path, 2, DEADLY) as found:

        def tend() -> None:
            while not is_over.wait(0.2):
                found.replace_dead(DEADLY)

        tending = threading.Thread(target=tend)
        tending.start()
        try:
            done = OnDask(found.address).ingest(Load([artifacts], tmp_path / "w", Options(), None))
        finally:
            is_over.set()
            tending.join()
    assert len(done.loaded) == 12
    (failure,) = done.failures
    assert failure.message.startswith("b1/1/deadly: its worker died each time it was loaded")


OTHER_VERSION = """
import tracemill.flows.scheduled.worker as worker
own = worker.code()
worker.code = lambda: own | {"tracemill": "0.0.1"}
"""
OTHER_KERNELS = OTHER_VERSION.replace('"tracemill": "0.0.1"', '"kernels": "trace_wire uncompiled"')


@pytest.mark.full
@pytest.mark.parametrize(
    ("preload", "words"),
    [
        (OTHER_VERSION, "is refused: tracemill: 0.0.1 there, "),
        (OTHER_KERNELS, "is refused: tracemill's kernels: trace_wire uncompiled there, compiled here"),
    ],
)
def test_a_worker_with_other_code_is_refused_in_words(
    pair: Workers, artifacts: Path, tmp_path: Path, preload: str, words: str
) -> None:
    stranger = pair.add(preload)
    try:
        pair.wait(3)
        with pytest.raises(ClusterError) as refused:
            OnDask(pair.address).ingest(Load([artifacts], tmp_path / "w", Options(), None))
        assert words in str(refused.value)
    finally:
        pair.workers.remove(stranger)
        stranger.kill()
        ended(stranger)


@pytest.mark.full
def test_a_worker_that_comes_later_is_looked_at_too(builds: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    with workers(tmp_path, 1) as found, cluster(found.address, root, [builds]) as chosen:
        found.add(OTHER_VERSION)
        found.wait(2)
        with pytest.raises(ClusterError, match=r"is refused: tracemill: 0\.0\.1 there"):
            ingest([builds], root, load=chosen.load)


def test_a_worker_has_to_see_the_folders(artifacts: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    errand = Errand(code(), marker, "token", (artifacts,))
    assert "is not this warehouse's folder there (No such file or directory)" in why_unfit(errand)
    marker.write_text("token")
    assert why_unfit(errand) == ""
    shutil.rmtree(artifacts)
    assert f"{artifacts}: not there" in why_unfit(errand)


def test_a_run_of_a_folder_that_is_not_there_leaves_no_warehouse(pair: Workers, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        OnDask(pair.address).ingest(Load([tmp_path / "nowhere"], tmp_path / "w", Options(), None))
    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_in_a_store_is_refused(pair: Workers, artifacts: Path, tmp_path: Path) -> None:
    (tmp_path / ADDRESS_FILE).write_text('{"address": "s3://bucket/w"}')
    with pytest.raises(ClusterError, match="s3://bucket/w: a cluster loads into a folder that its machines"):
        OnDask(pair.address).ingest(Load([artifacts], tmp_path, Options(), None))


@pytest.mark.parametrize("address", ["nonsense", "ftp://a:1", "tcp://127.0.0.1:0"])
def test_what_is_no_scheduler_is_said_in_words(artifacts: Path, tmp_path: Path, address: str) -> None:
    with pytest.raises(ClusterError, match=f"no Dask scheduler answers at {address}: ."):
        OnDask(address).ingest(Load([artifacts], tmp_path / "w", Options(), None))


def test_a_scheduler_that_is_not_there_is_said_within_seconds(
    artifacts: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    started = time.monotonic()
    done = tracemill(environment, "ingest", artifacts, "--warehouse", tmp_path / "w", "--on", address)
    assert time.monotonic() - started < 20
    assert (done.returncode, done.stdout) == (2, "")
    assert f"tracemill: no Dask scheduler answers at {address}" in done.stderr
    assert "Traceback" not in done.stderr


# In a worker: each file takes its time.
SLOW = """
import time, tracemill.flows.loading.capture as capture
capture.Source = lambda file, members, shown, source=capture.Source: (
    time.sleep(0.3), source(file, members, shown=shown)
)[1]
"""


@pytest.mark.full
@pytest.mark.parametrize("how", ["ctrl-c", "scheduler"])
def test_what_is_loaded_when_it_stops_is_kept(artifacts: Path, tmp_path: Path, how: str) -> None:
    root = tmp_path / "w"
    with workers(tmp_path, 1, SLOW) as found:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tracemill",
                "ingest",
                artifacts,
                "--warehouse",
                root,
                "--on",
                found.address,
            ],
            cwd=TOP,
            env=found.environment,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_ctrl_c,
        )
        deadline = time.monotonic() + 60
        while not list(root.glob("tables/*/*/*.parquet")) and time.monotonic() < deadline:
            time.sleep(0.1)
        if how == "ctrl-c":
            process.send_signal(signal.SIGINT)
        else:
            assert found.scheduler is not None
            found.scheduler.kill()
        said = process.communicate(timeout=60)[1]
    assert "Traceback" not in said
    if how == "ctrl-c":
        assert process.returncode == 130, said
        assert "captures of the 12 new files are kept; the same command goes on from there" in said
    else:
        assert process.returncode == 2, said
        assert f"the Dask scheduler at {found.address} went away" in said
    assert not ingest([artifacts], root).failures
    assert len(Catalog.load(root).captures) == 12


@pytest.mark.full
def test_under_prefect_each_task_of_the_cluster_is_listed(
    pair: Workers, api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    done = tracemill(environment, "run", artifacts, "--warehouse", root, "--on", pair.address, url=api.url)
    assert done.returncode == 2, done.stderr  # of two builds nothing can be judged
    assert "loaded 12 captures" in done.stdout, done.stderr
    (flow_run,) = api.runs(root)
    tasks = api.tasks(flow_run)
    names = {t["name"] for t in tasks}
    assert {"models of b1", "models of b2"} <= names
    assert [name for name in names if name.startswith("load b")]
    assert {t["state_type"] for t in tasks} == {"COMPLETED"}
    run([artifacts], tmp_path / "here", tmp_path / "exports")
    assert_same(tmp_path / "here", root)


@pytest.mark.full
def test_a_service_on_a_cluster_makes_the_tables_of_one_machine(
    pair: Workers, api: Api, environment: dict[str, str], builds: Path, here: Path, tmp_path: Path
) -> None:
    root, artifacts = tmp_path / "w", tmp_path / "artifacts"
    shutil.copytree(builds / BUILDS[0], artifacts / BUILDS[0])
    where = (artifacts, "--warehouse", root, "--every", 5, "--on", pair.address)
    with serving(environment | {"PREFECT_API_URL": api.url}, tmp_path / "log", *where) as service:
        assert service.line("Prefect: ") == api.url.removesuffix("/api")
        (first, *_) = eventually(lambda: [r for r in api.runs(root) if r["state_type"] == "COMPLETED"])
        shutil.copytree(builds / BUILDS[1], tmp_path / "new")
        (tmp_path / "new").rename(artifacts / BUILDS[1])

        def has_models() -> list[dict[str, Any]]:
            name = f"models of {BUILDS[1]}"
            done = [r for r in api.runs(root) if r["state_type"] == "COMPLETED"]
            return [r for r in done if name in {t["name"] for t in api.tasks(r)}]

        (later,) = eventually(has_models)
        assert later["id"] != first["id"]
        assert {t["state_type"] for t in api.tasks(later)} == {"COMPLETED"}
        assert stop(service.process) == 0, service.log.read_text()
    assert "Traceback" not in service.log.read_text()
    assert_same(here, root)
