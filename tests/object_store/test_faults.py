"""A warehouse in a bucket whatever the network, the store or a stranger does: told, and left whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from tracemill.flows.keep.compact import compact
from tracemill.flows.keep.repair import repair
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.run import run
from tracemill.warehouse import cache, compaction, connect, remote
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.catalog import Catalog, WarehouseError
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.layout import TABLES_FOLDER
from tracemill.warehouse.publish import publish

from . import server
from .common import artifacts_of, ask, captures, flip, machine, objects, of
from .server import BUCKET, Faults
from .stores import Store

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.sampled
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


@pytest.mark.sampled
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
    store: Store, faults: Faults, place: str, tmp_path: Path, fault: str, method: str, part: str
) -> None:
    root, caches = machine(tmp_path, place), tmp_path / "cache-a"
    assert ask(place, caches, "ingest", artifacts_of(tmp_path / "a", "b1")).exit_code == 0
    faults.always(fault, method, part)
    told = ask(place, caches, "ingest", artifacts_of(tmp_path / "a", "b2"))
    assert told.exit_code == 2
    assert told.output.splitlines()[-1].startswith(f"tracemill: {store.scheme}://{BUCKET}/")
    assert "again and again" in told.output
    assert store.secret not in told.output
    faults.none()
    other = machine(tmp_path, place, "b")
    assert verify(other).findings == []
    with connect(other) as connection:
        assert connection.execute("select distinct build_id from captures").fetchall() == [("b1",)]
    assert ask(place, caches, "ingest", tmp_path / "a").exit_code == 0
    assert len(captures(root)) == 2


@pytest.mark.full
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


@pytest.mark.full
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


def test_a_server_that_refuses_the_credentials_is_told(faults: Faults, place: str, tmp_path: Path) -> None:
    root = machine(tmp_path, place)
    found = cache_of(root)
    assert found is not None
    faults.always("503")  # replaced below: moto lets everybody in
    answer = server._Handler._answer
    try:
        server._Handler._answer = lambda self, *_args, **_words: answer(
            self, 403, {}, b"<Code>AccessDenied</Code>"
        )
        with pytest.raises(WarehouseError, match="the store refuses these credentials"):
            found.refresh()
    finally:
        server._Handler._answer = answer


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
