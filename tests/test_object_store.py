"""A warehouse in a bucket: the same as in a folder, from any machine, whatever the network does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from moto.server import ThreadedMotoServer

import tracemill
from tracemill.flows.build import build as build_models
from tracemill.flows.cli import main
from tracemill.flows.keep.compact import compact
from tracemill.flows.keep.forget import Which, forget, restore
from tracemill.flows.keep.repair import repair
from tracemill.flows.keep.retention import Policy, retention
from tracemill.flows.keep.rollback import rollback, states
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.run import run
from tracemill.flows.show.export import export
from tracemill.warehouse import cache, compaction, connect, manifests, remote
from tracemill.warehouse.address import address_of, folder_of
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.catalog import Catalog, WarehouseError
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.layout import DATABASE, TABLES_FOLDER
from tracemill.warehouse.publish import publish

from .conftest import SAMPLES
from .object_store import SECRET, Faults, Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "bucket"


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    proxy = Proxy(f"http://{host}:{port}")
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys).create_bucket(Bucket=BUCKET)
    yield proxy
    proxy.shutdown()
    server.stop()


@pytest.fixture
def environment(proxy: Proxy) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": proxy.address,
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def faults(proxy: Proxy, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """The store, without faults as yet."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "PAUSES", (0.01,) * 4)
    monkeypatch.setattr(remote, "OWN_RETRIES", 0)
    proxy.faults.none()
    yield proxy.faults
    proxy.faults.none()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    return f"s3://{BUCKET}/{request.node.name.replace('[', '/').rstrip(']')}"


def machine(tmp_path: Path, place: str, name: str = "a") -> Path:
    """The cache that a machine of this name has of the warehouse."""
    return folder_of(place, tmp_path / f"cache-{name}")


def artifacts_of(top: Path, build: str, *names: str) -> Path:
    folder = top / build / "1"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or ("heap",):
        shutil.copy(SAMPLES / f"pprof/go1.27/{name}.pb.gz", folder)
    return top


def objects(root: Path) -> dict[str, str]:
    """What lies in the store: path → e-tag."""
    return {entry.path: entry.version.mark for entry in of(root).entries("")}


def of(root: Path) -> remote.Remote:
    found = cache_of(root)
    assert found is not None
    return found.remote


def captures(root: Path) -> list[str]:
    return sorted(c.capture_id for c in Catalog.load(root).captures.values())


def flip(root: Path, path: str) -> None:
    content, _ = of(root).get(path)
    of(root).put(path, content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def exported(root: Path, folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in export(root, folder) if file.suffix in {".csv", ".json"}}


def ask(place: str, caches: Path, *words: object) -> Result:
    env = {"TRACEMILL_CACHE": str(caches)}
    return CliRunner(env=env).invoke(main, [*map(str, words), "--warehouse", place])


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


def test_a_commit_and_a_publication_whose_answers_are_lost_are_made_once(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    root = machine(tmp_path, place)
    faults.first(1, "lost", "PUT", "/log/")
    ingest([artifacts_of(tmp_path / "a", "b1")], root)
    assert faults.count("PUT", "/log/0000000001.json") == 2
    assert len(captures(machine(tmp_path, place, "b"))) == 1
    for build in ("b2", "b3"):  # the first publication creates the pointer, the second one replaces it
        faults.first(1, "lost", "PUT", "/published.json")
        publish(Catalog.load(root))
        assert faults.count("PUT", "/published.json") == 2
        with connect(machine(tmp_path, place, build)) as connection:
            assert connection.execute("select count(*) from captures").fetchall() != [(0,)]
        faults.none()
        ingest([artifacts_of(tmp_path / "a", build)], root)


@pytest.mark.parametrize(
    ("fault", "method", "part"),
    [("503", "", ""), ("cut", "GET", ""), ("lost", "PUT", ""), ("slow", "GET", "")],
)
def test_what_fails_for_a_moment_is_tried_again(
    faults: Faults,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    method: str,
    part: str,
) -> None:
    monkeypatch.setattr(remote, "SILENCE", 0.5)
    root = machine(tmp_path, place)
    faults.first(3, fault, method, part)
    ingest([artifacts_of(tmp_path / "a", "b1", "heap", "block")], root)
    publish(Catalog.load(root))
    faults.first(3, fault, method, part)
    with connect(machine(tmp_path, place, "b")) as connection:
        assert connection.execute("select count(distinct capture_id) from profile_samples").fetchall() == [
            (2,)
        ]
    assert sum(found == fault for *_, found in faults.seen) == (3 if method == "PUT" else 6)
    faults.none()
    assert verify(root).findings == []


@pytest.mark.parametrize(
    ("fault", "method", "part"),
    [
        ("503", "", ""),
        ("503", "PUT", "/tables/"),
        ("503", "PUT", "/log/"),
        ("503", "PUT", "/published"),
        ("503", "PUT", "/published.json"),
        ("cut", "GET", ""),
    ],
)
def test_a_store_that_fails_for_good_is_told_and_left_as_it_was(
    faults: Faults, place: str, tmp_path: Path, fault: str, method: str, part: str
) -> None:
    root, caches = machine(tmp_path, place), tmp_path / "cache-a"
    assert ask(place, caches, "ingest", artifacts_of(tmp_path / "a", "b1")).exit_code == 0
    faults.always(fault, method, part)
    told = ask(place, caches, "ingest", artifacts_of(tmp_path / "a", "b2"))
    assert told.exit_code == 2
    assert told.output.splitlines()[-1].startswith(f"tracemill: s3://{BUCKET}/")
    assert "again and again" in told.output
    assert SECRET not in told.output
    faults.none()
    other = machine(tmp_path, place, "b")
    assert verify(other).findings == []
    with connect(other) as connection:
        assert connection.execute("select distinct build_id from captures").fetchall() == [("b1",)]
    assert ask(place, caches, "ingest", tmp_path / "a").exit_code == 0
    assert len(captures(root)) == 2


def test_a_load_that_is_killed_while_it_stores_leaves_the_state_before(
    faults: Faults, environment: dict[str, str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, caches = machine(tmp_path, place), tmp_path / "cache-a"
    ingest([artifacts_of(tmp_path / "a", "b1")], root)
    publish(Catalog.load(root))
    before = objects(root)
    for part in ("tables", "log", "published"):
        # The second commit lists what was stored; the first one says what builds there are.
        def fault(verb: str, path: str, part: str = part) -> str | None:
            is_it = verb == "PUT" and f"/{part}/" in path
            return "stopped" if is_it and (part != "log" or faults.count("PUT", "/tables/")) else None

        faults.of = fault
        words = [sys.executable, "-m", "tracemill", "ingest", "--warehouse", place, "--processes", "1"]
        words.append(str(artifacts_of(tmp_path / "b", part)))
        env = os.environ | environment | {"TRACEMILL_CACHE": str(caches)}
        load = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert faults.held.wait(30)
        load.send_signal(signal.SIGKILL)
        load.wait()
        faults.none()
        other = machine(tmp_path, place, f"after-{part}")
        with connect(other) as connection:
            assert connection.execute("select distinct build_id from captures").fetchall() == [("b1",)]
        assert verify(other).findings == []
    assert len(captures(root)) == 4  # the last one had committed, and not published
    publish(Catalog.load(root))
    stray = {path for path in objects(root) if path.startswith("tables/")} - Catalog.load(root).listed()
    assert stray
    compact(root)
    assert stray <= objects(root).keys()  # perhaps another machine's, which is about to commit
    monkeypatch.setattr(cache, "UNLISTED_STAYS", cache.UNLISTED_STAYS * 0)
    of(root).put("log/later.txt", b"the store's clock goes on")
    compact(root)
    assert stray.isdisjoint(objects(root).keys() - before.keys())
    assert verify(machine(tmp_path, place, "c")).findings == []


def test_a_flipped_byte_in_the_store_is_found_and_never_comes_into_a_cache(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    root = machine(tmp_path, place)
    ingest([artifacts_of(tmp_path / "a", "b1", "heap", "block")], root)
    publish(Catalog.load(root))
    path = next(p for p in sorted(Catalog.load(root).listed()) if "/profile_samples/" in p)
    flip(root, path)
    assert [(f.path, f.fact[:11]) for f in verify(root).findings] == [(path, "other bytes")]
    other = machine(tmp_path, place, "b")
    with connect(other) as connection, pytest.raises(DamagedError, match=r"other bytes.*tracemill repair"):
        connection.execute("from profile_samples")
    assert not (other / path).exists()
    assert ask(place, tmp_path / "cache-b", "verify").exit_code == 1
    assert ask(place, tmp_path / "cache-b", "repair").exit_code == 1
    assert verify(root).findings == []
    assert len(ingest([tmp_path / "a"], root).loaded) == 1
    # A machine that has the file as it was written stores it again.
    path = next(p for p in sorted(Catalog.load(root).listed()) if "/profile_samples/" in p)
    flip(root, path)
    told = ask(place, tmp_path / "cache-a", "repair")
    assert (told.exit_code, f"stored again from this machine's copy: {path}" in told.output) == (0, True)
    assert verify(other).findings == []


@pytest.mark.full
@pytest.mark.parametrize("part", ["log", "published"])
def test_a_damaged_log_and_a_damaged_published_file_are_repaired_in_the_store(
    faults: Faults, place: str, tmp_path: Path, part: str
) -> None:
    root = machine(tmp_path, place)
    run([artifacts_of(tmp_path / "a", "b1", "heap", "block")], root, tmp_path / "e")
    published = json.loads(of(root).get("published.json")[0])["file"]
    flip(root, "log/0000000002.json" if part == "log" else published)
    other = machine(tmp_path, place, "b")
    assert len(verify(other).findings) == 1
    assert ask(place, tmp_path / "cache-b", "repair").exit_code in {0, 1}
    assert verify(machine(tmp_path, place, "c")).findings == []
    assert verify(root).findings == []


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
def test_captures_that_can_be_read_in_a_damaged_compacted_file_of_the_store_are_kept(
    faults: Faults, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "GROUP_BYTES", 20_000)
    a, b = machine(tmp_path, place, "a"), machine(tmp_path, place, "b")
    ingest([artifacts_of(artifacts_of(tmp_path / "a", "b1", "heap", "cpu"), "b2", "heap", "cpu")], a)
    compact(a)
    path = next(p for p in sorted(Catalog.load(a).listed()) if "/profile_samples/month=" in p)
    meta = pq.ParquetFile(a / path).metadata
    assert meta.num_row_groups > 1
    content = bytearray(of(a).get(path)[0])
    content[meta.row_group(0).column(5).data_page_offset + 40] ^= 1
    of(a).put(path, bytes(content))
    told = repair(b, is_trial=True)
    assert 0 < len(told.dropped) < 4
    assert repair(a, is_trial=True).put_back == [path]
    assert repair(b).dropped == told.dropped
    assert verify(a).findings == []
    assert len(captures(a)) == 4 - len(told.dropped)


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


@pytest.mark.parametrize(
    ("name", "change", "fact"),
    [
        ("s3://no-such-bucket/w", {}, "there is no such bucket"),
        ("s3://bucket/w", {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no credentials"),
        ("s3://bucket/w", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "cannot be reached"),
        (f"s3://me:{SECRET}@bucket/w", {}, "without user, password or options"),
        ("http://bucket/w", {}, "no store that a warehouse can be in"),
        ("s3://bucket/nothing", {}, "no warehouse here yet"),
        ("file://folder/w", {}, "three slashes"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_in_words(
    faults: Faults,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    change: dict[str, str | None],
    fact: str,
) -> None:
    for variable, value in change.items():
        monkeypatch.delenv(variable) if value is None else monkeypatch.setenv(variable, value)
    told = ask(name, tmp_path, "builds")
    assert (told.exit_code, fact in told.output) == (2, True), told.output
    assert SECRET not in told.output


def test_a_server_that_refuses_the_credentials_is_told(faults: Faults, place: str, tmp_path: Path) -> None:
    root = machine(tmp_path, place)
    found = cache_of(root)
    assert found is not None
    faults.always("503")  # replaced below: moto lets everybody in
    import tests.object_store as served

    answer = served._Handler._answer
    try:
        served._Handler._answer = lambda self, *_args, **_words: answer(
            self, 403, [], b"<Code>AccessDenied</Code>"
        )
        with pytest.raises(WarehouseError, match="the store refuses these credentials"):
            found.refresh()
    finally:
        served._Handler._answer = answer


def test_a_bucket_cannot_have_a_file_written_outside_of_the_cache(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    root, outside = machine(tmp_path, place), f"{TABLES_FOLDER}/../../../outside.parquet"
    of(root).put("outside.parquet", b"PAR1")
    found = cache_of(root)
    assert found is not None
    for path in (outside, "../outside.parquet", str(tmp_path / "outside.parquet"), "outside.parquet"):
        assert found.bring([path], {}) == {path: "no path that a file of a warehouse has"}
    assert not list(tmp_path.rglob("outside.parquet"))


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
