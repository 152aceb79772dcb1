"""A warehouse in a bucket: the same as in a folder, from any machine."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import tracemill
from tests.conftest import SAMPLES
from tracemill.flows.build import build as build_models
from tracemill.flows.keep.compact import compact
from tracemill.flows.keep.forget import Which, forget, restore
from tracemill.flows.keep.retention import Policy, retention
from tracemill.flows.keep.rollback import rollback, states
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.run import run
from tracemill.flows.scheduled.events import new_since, regressions
from tracemill.warehouse import connect, manifests
from tracemill.warehouse.address import address_of, folder_of
from tracemill.warehouse.catalog import Catalog, WarehouseError
from tracemill.warehouse.layout import DATABASE
from tracemill.warehouse.publish import publish

from .common import artifacts_of, ask, captures, exported, machine, objects, of_each_store
from .server import Faults
from .stores import Store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_in_a_bucket_makes_the_same_marts_as_one_in_a_folder(
    faults: Faults, place: str, tmp_path: Path, artifacts: Path
) -> None:
    here, there = tmp_path / "w", machine(tmp_path, place)
    run([artifacts], here, tmp_path / "e1")
    run([artifacts], there, tmp_path / "e2")
    mine = exported(here, tmp_path / "x1")
    assert len(mine) > 20
    assert exported(there, tmp_path / "x2") == mine
    # Another machine, which has nothing: it fetches what is published, and rows when they are asked for.
    other = machine(tmp_path, place, "b")
    assert exported(other, tmp_path / "x3") == mine
    assert not list((other / "tables").glob("*/*/*.parquet"))
    with connect(other) as connection, connect(here) as local:
        question = (
            "select build_id, sum(value) from profile_samples join captures using (capture_id) group by 1"
        )
        question += " order by 1"
        assert connection.execute(question).fetchall() == local.execute(question).fetchall()
    assert {file.parent.parent.name for file in other.glob("tables/*/*/*")} == {"profile_samples"}
    # And goes on from there: only what it loads is parsed, and none of the old rows is fetched for it.
    more = artifacts_of(tmp_path / "more", "b3")
    assert len(run([more], other, tmp_path / "e3").ingested.loaded) == 1
    run([more], here, tmp_path / "e1")
    assert exported(other, tmp_path / "x4") == exported(here, tmp_path / "x5")
    absent = [path for path in Catalog.load(other).listed() if not (other / path).exists()]
    assert len(absent) > 10


@pytest.mark.sampled
@of_each_store
def test_every_verb_takes_an_address(
    faults: Faults, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = artifacts_of(tmp_path / "a", "b1")
    caches = tmp_path / "c"
    loaded = ask(place, caches, "ingest", artifacts)
    assert loaded.exit_code == 0, loaded.output
    assert f"tracemill build --warehouse {place}" in loaded.output
    told = ask(place, tmp_path / "d", "sql", "--format", "json", "from captures")
    assert told.exit_code == 0, told.output
    assert place in ask(place, caches, "settings").output
    monkeypatch.setenv("TRACEMILL_CACHE", str(tmp_path / "e"))
    with tracemill.connect(place) as connection:
        assert connection.execute("select count(*) from profile_samples").fetchall() != [(0,)]
    verified = ask(place, caches, "verify")
    assert (verified.exit_code, "all as they were written" in verified.output) == (0, True)


@pytest.mark.sampled
@of_each_store
def test_two_machines_that_load_at_once_lose_nothing(faults: Faults, place: str, tmp_path: Path) -> None:
    names = ("heap", "block", "mutex", "goroutine", "allocs")
    failed: list[BaseException] = []

    def load(name: str) -> None:
        try:
            ingest([artifacts_of(tmp_path / name, name, *names)], machine(tmp_path, place, name), processes=1)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=load, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    third = machine(tmp_path, place, "z")
    assert len(captures(third)) == 15
    assert verify(third).files == []


@of_each_store
def test_a_commit_that_comes_second_is_refused_and_merged(faults: Faults, place: str, tmp_path: Path) -> None:
    a, b = machine(tmp_path, place, "a"), machine(tmp_path, place, "b")
    ingest([artifacts_of(tmp_path / "1", "b1")], a)
    stale = Catalog.load(b)
    ingest([artifacts_of(tmp_path / "2", "b2")], a)
    with pytest.raises(manifests.ConflictError):
        manifests.append(b, stale.position, manifests.Change({"work": {"x": {}}}), "late")
    stale.work["b1", "1"] = {"requests": 7.0}
    stale.commit()
    both = Catalog.load(a)
    assert {c.build_id for c in both.captures.values()} == {"b1", "b2"}
    assert both.work == {("b1", "1"): {"requests": 7.0}}


@of_each_store
def test_a_machine_does_not_fetch_what_it_has_committed(faults: Faults, place: str, tmp_path: Path) -> None:
    root = machine(tmp_path, place)
    ingest([artifacts_of(tmp_path / "1", "b1")], root)
    assert captures(root)
    assert faults.count("PUT", "/log/0000000002.json") == 1
    assert faults.count("GET", "/log/0000000002.json") == 0


@pytest.mark.full
@of_each_store
def test_what_is_older_never_takes_the_place_of_what_is_published(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    a, b = machine(tmp_path, place, "a"), machine(tmp_path, place, "b")
    ingest([artifacts_of(tmp_path / "1", "b1")], a)
    publish(Catalog.load(a))
    ingest([artifacts_of(tmp_path / "2", "b2")], a)
    older = Catalog.load(a)
    ingest([artifacts_of(tmp_path / "3", "b3")], b)
    faults.always("held", "PUT", "published.json")
    slow = threading.Thread(target=publish, args=(older,))
    slow.start()
    assert faults.held.wait(30)
    faults.of = lambda _method, _path: None
    publish(Catalog.load(b))
    faults.release.set()
    slow.join()
    for root in (a, b, machine(tmp_path, place, "c")):
        with connect(root) as connection:
            builds = connection.execute("select distinct build_id from captures order by 1").fetchall()
        assert builds == [("b1",), ("b2",), ("b3",)]
    assert len([path for path in objects(a) if path.startswith("published/")]) == 2


@pytest.mark.full
def test_what_is_forgotten_is_put_back_and_rolled_back_from_any_machine(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    a, b, c = (machine(tmp_path, place, name) for name in "abc")
    ingest([artifacts_of(artifacts_of(tmp_path / "a", "b1"), "b2")], a)
    both = captures(a)
    forget(b, Which("b1"))
    assert len(captures(a)) == 1
    assert len(restore(c, Which("b1")).captures) == 1
    assert captures(b) == both
    rollback(a, states(a)[1].commit)
    assert len(captures(c)) == 1
    assert verify(b).findings == []


@pytest.mark.full
def test_what_retention_keeps_and_compact_merges_is_there_for_a_machine_that_has_nothing(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    for build, month in (("b1", "01"), ("b2", "06")):
        artifacts_of(tmp_path / "a", build, "heap", "cpu")
        facts = {"committed_at": f"2026-{month}-10T00:00:00Z"}
        (tmp_path / "a" / build / "build.json").write_text(json.dumps(facts))
    a, b, c, d = (machine(tmp_path, place, name) for name in "abcd")
    run([tmp_path / "a"], a, tmp_path / "e")

    def figures(root: Path) -> list[tuple[object, ...]]:
        with connect(root) as connection:
            return connection.execute("from observations order by all").fetchall()

    before = figures(a)
    policy = Policy.of({"raw": "30d"}, keeps_incidents=False)
    assert retention(b, policy, is_trial=False, now=datetime(2026, 7, 1, tzinfo=UTC)).builds == ["b1"]
    with connect(c) as connection:
        question = "select distinct build_id from profile_samples join captures using (capture_id)"
        assert connection.execute(question).fetchall() == [("b2",)]
    compact(c)
    build_models(d, full=True)
    assert figures(d) == figures(a) == before
    assert verify(c).findings == []


@pytest.mark.full
def test_a_machine_that_has_nothing_knows_which_regressions_are_old(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    here, other = machine(tmp_path, place), machine(tmp_path, place, "other")
    assert regressions(here) == []
    ingest([SAMPLES / "cases/goroutineleak-no-verdict/artifacts"], here, processes=1)
    build_models(here)
    known = {news.key for news in regressions(here)}
    assert known
    assert new_since(known, other) == []
    assert {news.key for news in regressions(other)} == known


@pytest.mark.full
def test_two_machines_that_change_the_same_are_not_merged(
    faults: Faults, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = machine(tmp_path, place, "a"), machine(tmp_path, place, "b")
    ingest([artifacts_of(artifacts_of(tmp_path / "a", "b1"), "b2")], a)
    commit, done = Catalog.commit, []

    def late(catalog: Catalog) -> None:
        if catalog.root == a and not done:
            done.append(1)
            forget(b, Which("b1"))
        commit(catalog)

    monkeypatch.setattr(Catalog, "commit", late)
    with pytest.raises(WarehouseError, match="another machine has changed the same"):
        compact(a)
    assert {c.build_id for c in Catalog.load(a).captures.values()} == {"b2"}
    monkeypatch.undo()


@of_each_store
@pytest.mark.parametrize(
    ("rest", "without", "fact"),
    [
        ("no-such-bucket/w", "", "there is no such"),
        ("bucket/w", "KEY", "no credentials"),
        ("bucket/w", "server", "cannot be reached"),
        ("me:a-password@bucket/w", "", "without user, password or options"),
        ("bucket/nothing", "", "no warehouse here yet"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_in_words(
    store: Store,
    faults: Faults,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rest: str,
    without: str,
    fact: str,
) -> None:
    for variable, value in store.environment.items():
        if without == "server" and value.startswith("http://"):
            monkeypatch.setenv(variable, value.replace(str(store.proxy.server_port), "1"))
        elif without and without in variable:
            monkeypatch.delenv(variable)
    told = ask(f"{store.scheme}://{rest}", tmp_path, "builds")
    assert (told.exit_code, fact in told.output) == (2, True), told.output
    assert store.secret not in told.output
    assert "a-password" not in told.output


@pytest.mark.parametrize(
    ("name", "fact"),
    [("http://bucket/w", "no store that a warehouse can be in"), ("file://folder/w", "three slashes")],
)
def test_an_address_of_no_store_is_refused_in_words(tmp_path: Path, name: str, fact: str) -> None:
    told = ask(name, tmp_path, "builds")
    assert (told.exit_code, fact in told.output) == (2, True), told.output


def test_a_file_address_is_a_plain_folder(tmp_path: Path) -> None:
    assert folder_of(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    assert address_of(tmp_path) is None


def test_a_folder_needs_nothing_of_a_store(tmp_path: Path) -> None:
    script = f"""
import sys
from tracemill.flows.cli import main
try:
    main(["builds", "--warehouse", {str(tmp_path)!r}])
except SystemExit:
    pass
print(sorted({{"obstore", "tracemill.warehouse.remote"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, "no warehouse here yet" in done.stderr) == ("[]\n", True)
    assert DATABASE not in {file.name for file in tmp_path.iterdir()}
