"""The exact attribution of heap samples to map assignments, against the full stacks of runtime.MemProfile."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from examples.toolchain import environment
from tests.parsers import reading
from tests.parsers.record import build, run_go

SQL = Path(__file__).with_name("attribution.sql")
BY_LISTING = Path(__file__).with_name("attribution_by_listing.sql")
CLASSES = {"mapassign": "assign", "makemap": "make", "mapclone": "clone"}
TABLES = ("profile_samples", "profile_mappings", "stacks", "binaries", "call_sites", "listing_calls")
Key = tuple[str, str, str, int]
VERSIONS = ["1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27"]


def EVERY_VERSION(test):  # noqa: N802 - reads as the mark that it is
    return pytest.mark.full(pytest.mark.parametrize("version", VERSIONS)(test))


def record(folder: Path, version: str, *flags: str, **env: str) -> Path:
    binary = folder / "maps"
    build("maps", version, binary, *flags, **env)
    subprocess.run([binary, folder], env=environment(), check=True)
    return binary


def truth_of(folder: Path) -> Counter[Key]:
    truth: Counter[Key] = Counter()
    for row in (folder / "truth.tsv").read_text().splitlines():
        kind, size, _, function, file, line = row.split("\t")
        if kind != "other":
            truth[kind, function, file, int(line)] += int(size)
    return truth


def warehouse_of(
    form: str, profile: Path, other: Path, other_form: str = "binary"
) -> duckdb.DuckDBPyConnection:
    found = {
        "profile": reading.tables(reading.items(form, profile)),
        "other": reading.tables(reading.items(other_form, other)),
    }
    con = duckdb.connect()
    con.execute(
        "create table captures as select unnest(['profile', 'other']) as capture_id, 'b1' as build_id"
    )
    for name in TABLES:
        parts = [
            table[name].append_column("capture_id", pa.array([of] * len(table[name]), pa.string()))
            for of, table in found.items()
            if name in table
        ]
        con.register(f"arrow_{name}", pa.concat_tables(parts) if parts else reading.empty(name))
        con.execute(f"create table {name} as select * from arrow_{name}")
    return con


def attributed(con: duckdb.DuckDBPyConnection, query: str | None = None) -> Counter[Key]:
    rows = con.execute(f"""
        select callee_class, function, file, line, sum(value)::bigint
        from ({query or SQL.read_text()}) join profile_samples using (capture_id, sample_index)
        where sample_type = 'alloc_space' and value > 0
            and callee_class in ('mapassign', 'makemap', 'mapclone')
        group by all
    """).fetchall()
    found: Counter[Key] = Counter()
    for kind, function, file, line, size in rows:
        # Frame.Function, which the truth has, hides type arguments as [...].
        found[CLASSES[kind], re.sub(r"\[.*\]", "[...]", function), file, line] += size
    return found


def precision_and_recall(found: Counter[Key], truth: Counter[Key]) -> tuple[float, float]:
    right = sum((found & truth).values())
    return right / sum(found.values()), right / sum(truth.values())


def record_test_binary(folder: Path, version: str) -> Path:
    binary = folder / "maps.test"
    run_go("maps", version, "test", "-c", "-trimpath", "-o", str(binary))
    env = environment() | {"FOLDER": str(folder)}
    subprocess.run([binary, "-test.run=TestRun"], env=env, check=True, stdout=subprocess.DEVNULL)
    return binary


def assert_exact(folder: Path, binary: Path) -> None:
    truth = truth_of(folder)
    assert {kind for kind, *_ in truth} == {"assign", "make", "clone"}
    assert len(truth) > 60
    found = attributed(warehouse_of("pprof", folder / "heap.pb.gz", binary))
    assert found == truth
    assert precision_and_recall(found, truth) == (1.0, 1.0)


def by_class(found: Counter[Key]) -> Counter[str]:
    classes: Counter[str] = Counter()
    for (kind, *_), size in found.items():
        classes[kind] += size
    return classes


def test_map_allocations_are_attributed_exactly(tmp_path):
    assert_exact(tmp_path, record(tmp_path, "1.27"))


def test_text_profile_is_attributed_exactly(tmp_path):
    binary = record(tmp_path, "1.27")
    assert attributed(warehouse_of("legacy_profile", tmp_path / "heap.txt", binary)) == truth_of(tmp_path)


@EVERY_VERSION
@pytest.mark.parametrize("flags", [(), ("-ldflags=-s -w",)], ids=["plain", "stripped"])
def test_text_profile_is_attributed_exactly_by_every_version(version, flags, tmp_path):
    binary = record(tmp_path, version, *flags)
    found = attributed(warehouse_of("legacy_profile", tmp_path / "heap.txt", binary))
    # Go 1.24 and 1.25 show reflect.makemap in text alone, so its bytes stand at another line there.
    assert by_class(found) == by_class(truth_of(tmp_path))


@pytest.mark.full
@pytest.mark.skipif(shutil.which("cc") is None, reason="cgo needs a C compiler")
@pytest.mark.parametrize("version", ["1.21", "1.25", "1.27"])
@pytest.mark.parametrize("flag", ["-ldflags=-s -w", "-buildmode=pie"])
def test_binary_with_c_code_is_attributed_exactly(version, flag, tmp_path):
    assert_exact(tmp_path, record(tmp_path, version, flag, CGO_ENABLED="1"))


@EVERY_VERSION
def test_test_binary_is_attributed_exactly(version, tmp_path):
    assert_exact(tmp_path, record_test_binary(tmp_path, version))


@EVERY_VERSION
@pytest.mark.parametrize(
    "flags", [(), ("-ldflags=-s -w",), ("-buildmode=pie",)], ids=["plain", "stripped", "pie"]
)
def test_map_allocations_are_attributed_exactly_by_every_version(version, flags, tmp_path):
    assert_exact(tmp_path, record(tmp_path, version, *flags))


def test_binary_with_another_build_id_is_refused(tmp_path):
    record(tmp_path, "1.27")
    build("maps", "1.27", tmp_path / "other", "-gcflags=-l")
    con = warehouse_of("pprof", tmp_path / "heap.pb.gz", tmp_path / "other")
    assert con.execute(f"select distinct evidence from ({SQL.read_text()})").fetchall() == [
        (None,),
        ("name",),
    ]


def test_binary_without_a_build_id_is_refused_by_its_lines(tmp_path):
    record(tmp_path, "1.27")
    build("maps", "1.27", tmp_path / "other", "-gcflags=-l")
    con = warehouse_of("pprof", tmp_path / "heap.pb.gz", tmp_path / "other")
    con.execute("update binaries set gnu_build_id = null")
    precision, recall = precision_and_recall(attributed(con), truth_of(tmp_path))
    assert precision == 1.0
    assert recall < 0.5


# Precision and recall by bytes, at least, of what can be said without a binary; of Go 1.27.
RUNGS = [
    ("legacy_profile", "listing offset", 1.0, 1.0),
    ("pprof", "listing offset mod 32", 1.0, 0.915),
    ("pprof", "listing, all calls of the line", 1.0, 0.761),
    ("pprof", "listing, any map call", 0.937, 1.0),
]


@pytest.fixture(scope="module")
def listed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("listed")
    record(folder, "1.27")
    listing = run_go("maps", "1.27", "build", "-trimpath", "-o", "/dev/null", "-gcflags=-S").stderr
    (folder / "S.txt").write_text(listing)
    return folder


@pytest.mark.parametrize(("form", "evidence", "precision", "recall"), RUNGS)
def test_listing_attributes_what_was_compiled_with_it(listed, form, evidence, precision, recall):
    profile = listed / {"pprof": "heap.pb.gz", "legacy_profile": "heap.txt"}[form]
    con = warehouse_of(form, profile, listed / "S.txt", "listing")
    query = f"""
        select * from ({BY_LISTING.read_text()})
        where evidence = '{evidence}' and starts_with(function, 'main.')
    """
    # The listing is of the program's own package alone; a call of maps.Clone allocates in another.
    truth = Counter({k: v for k, v in truth_of(listed).items() if k[1].startswith("main.")})
    if evidence == "listing, any map call":
        truth = Counter({k: v for k, v in truth.items() if k[0] == "assign"})
    found = precision_and_recall(attributed(con, query), truth)
    assert found[0] >= precision
    assert found[1] >= recall
