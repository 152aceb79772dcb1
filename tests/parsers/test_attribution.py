"""The exact attribution of heap samples to map assignments, against the full stacks of runtime.MemProfile.

What each test measures is printed at the end of the run (tests/conftest.py), as in docs/attribution.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from examples.toolchain import environment
from flows.run import run
from tests.parsers import reading
from tests.parsers.record import build, run_go
from warehouse import connect

if TYPE_CHECKING:
    from collections.abc import Callable

SQL = Path(__file__).with_name("attribution.sql")
BY_LISTING = Path(__file__).with_name("attribution_by_listing.sql")
CLASSES = {"mapassign": "assign", "makemap": "make", "mapclone": "clone"}
TABLES = ("profile_samples", "profile_mappings", "stacks", "binaries", "call_sites", "listing_calls")
Key = tuple[str, str, str, int]
VERSIONS = ["1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27"]


@pytest.fixture
def measured(record_property) -> Callable[[str, str, Counter[Key], Counter[Key]], tuple[float, float]]:
    """Precision and recall by bytes, kept for the table at the end of the run."""

    def measure(method: str, version: str, found: Counter[Key], truth: Counter[Key]) -> tuple[float, float]:
        precision, recall = precision_and_recall(found, truth)
        record_property("attribution", [method, version, precision, recall])
        return precision, recall

    return measure


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


def assert_exact(folder: Path, binary: Path, measured, method: str, version: str) -> None:
    truth = truth_of(folder)
    assert {kind for kind, *_ in truth} == {"assign", "make", "clone"}
    assert len(truth) > 60
    found = attributed(warehouse_of("pprof", folder / "heap.pb.gz", binary))
    assert found == truth
    assert measured(method, version, found, truth) == (1.0, 1.0)


def by_class(found: Counter[Key]) -> Counter[str]:
    classes: Counter[str] = Counter()
    for (kind, *_), size in found.items():
        classes[kind] += size
    return classes


def test_map_allocations_are_attributed_exactly(tmp_path, measured):
    assert_exact(tmp_path, record(tmp_path, "1.27"), measured, "binary, plain", "1.27")


def test_text_profile_is_attributed_exactly(tmp_path, measured):
    found = attributed(warehouse_of("legacy_profile", tmp_path / "heap.txt", record(tmp_path, "1.27")))
    assert measured("heap?debug=1 and binary, plain", "1.27", found, truth_of(tmp_path)) == (1.0, 1.0)


@EVERY_VERSION
@pytest.mark.parametrize("flags", [(), ("-ldflags=-s -w",)], ids=["plain", "stripped"])
def test_text_profile_is_attributed_exactly_by_every_version(version, flags, tmp_path, measured, request):
    binary = record(tmp_path, version, *flags)
    found = attributed(warehouse_of("legacy_profile", tmp_path / "heap.txt", binary))
    # Go 1.24 and 1.25 show reflect.makemap in text alone, so its bytes stand at another line there.
    method = f"heap?debug=1 and binary, {request.node.callspec.id.split('-')[0]}, by class"
    kinds = [
        Counter({(kind, "", "", 0): size for kind, size in by_class(of).items()})
        for of in (found, truth_of(tmp_path))
    ]
    assert measured(method, version, *kinds) == (1.0, 1.0)
    assert kinds[0] == kinds[1]


@pytest.mark.full
@pytest.mark.skipif(shutil.which("cc") is None, reason="cgo needs a C compiler")
@pytest.mark.parametrize("version", ["1.21", "1.25", "1.27"])
@pytest.mark.parametrize("flag", ["-ldflags=-s -w", "-buildmode=pie"])
def test_binary_with_c_code_is_attributed_exactly(version, flag, tmp_path, measured):
    method = "binary, cgo, " + ("PIE" if "pie" in flag else "stripped")
    assert_exact(tmp_path, record(tmp_path, version, flag, CGO_ENABLED="1"), measured, method, version)


@EVERY_VERSION
def test_test_binary_is_attributed_exactly(version, tmp_path, measured):
    assert_exact(tmp_path, record_test_binary(tmp_path, version), measured, "binary, go test -c", version)


@EVERY_VERSION
@pytest.mark.parametrize(
    "flags", [(), ("-ldflags=-s -w",), ("-buildmode=pie",)], ids=["plain", "stripped", "pie"]
)
def test_map_allocations_are_attributed_exactly_by_every_version(version, flags, tmp_path, measured):
    method = {"-buildmode=pie": "binary, PIE", "-ldflags=-s -w": "binary, stripped"}.get(
        "".join(flags), "binary, plain"
    )
    assert_exact(tmp_path, record(tmp_path, version, *flags), measured, method, version)


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
def test_listing_attributes_what_was_compiled_with_it(listed, form, evidence, precision, recall, measured):
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
    found = measured(evidence, "1.27", attributed(con, query), truth)
    assert found[0] >= precision
    assert found[1] >= recall


def by_the_models(folder: Path, *files: Path) -> tuple[Counter[Key], dict[str, float]]:
    """What the models make of a build with these files; each evidence's share times its confidence."""
    (folder / "artifacts/b1/r1").mkdir(parents=True)
    for file in files:
        shutil.copy(file, folder / "artifacts/b1" / ("r1" if file.name.startswith("heap") else ""))
    run([folder / "artifacts"], folder / "warehouse", folder / "exports")
    with connect(folder / "warehouse") as con:
        rows = con.execute("""
            select
                replace(callee_class, 'map_', '') as kind,
                regexp_replace(leaf_function, '\\[.*\\]', '[...]') as function,
                leaf_file, leaf_line, sum(alloc_bytes)::bigint
            from int_profile_callees
            join int_stack_sites using (build_id, stack_id)
            where callee_class in ('map_assign', 'map_make', 'map_clone') and alloc_bytes > 0
            group by all
        """).fetchall()
        shares = con.execute("""
            select evidence, map_bytes * confidence / sum(map_bytes) over ()
            from attribution_shares where map_bytes > 0
        """).fetchall()
    return Counter({tuple(row[:4]): row[4] for row in rows}), dict(shares)


def test_models_are_exact_by_a_binary(listed, tmp_path, measured):
    found, shares = by_the_models(tmp_path, listed / "heap.pb.gz", listed / "maps", listed / "S.txt")
    assert measured("models, binary and listing", "1.27", found, truth_of(listed)) == (1.0, 1.0)
    assert set(shares) == {"call_target", "function_name"}


def test_models_without_a_binary_are_as_sure_as_they_say(listed, tmp_path, measured):
    found, shares = by_the_models(tmp_path, listed / "heap.pb.gz", listed / "S.txt")
    precision, recall = measured("models, listing alone", "1.27", found, truth_of(listed))
    assert "listing_offset_mod_32" in shares
    assert "listing_any_map_call" in shares
    assert precision >= sum(shares.values()) >= 0.98
    assert recall >= 0.98


def test_models_are_exact_by_a_text_profile_and_a_listing(listed, tmp_path, measured):
    found, shares = by_the_models(tmp_path, listed / "heap.txt", listed / "S.txt")
    precision, recall = measured("models, heap?debug=1 and listing", "1.27", found, truth_of(listed))
    assert "listing_offset" in shares
    assert precision == 1.0
    # maps.Clone allocates in a package that this listing is not of.
    assert recall >= 0.999
