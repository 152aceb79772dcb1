"""The exact attribution of heap samples to map assignments, against the full stacks of runtime.MemProfile.

What each test measures is printed at the end of the run (tests/conftest.py), as in docs/attribution.md.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from examples.toolchain import environment
from tests.models.given import Given, built_over, rows
from tests.models.given import build as build_models
from tests.parsers import reading
from tests.parsers.record import build, run_go

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

KINDS = {"assign", "grow", "make", "clone", "sync", "convert"}
MAPS = {"assign", "make", "clone"}
NAMES = {"sync": "sync.Map", "convert": "boxing"}
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


def truth_of(folder: Path, kinds: set[str] = KINDS, *, grows: bool = False) -> Counter[Key]:
    """Bytes of what the full stacks say; growth counts as assignment where a profile can't show it."""
    truth: Counter[Key] = Counter()
    for row in (folder / "truth.tsv").read_text().splitlines():
        kind, size, _, function, file, line = row.split("\t")
        if kind != "other":
            truth["assign" if kind == "grow" and not grows else kind, function, file, int(line)] += int(size)
    return of_kinds(truth, kinds)


def of_kinds(found: Counter[Key], kinds: set[str]) -> Counter[Key]:
    return Counter({key: size for key, size in found.items() if key[0] in kinds})


def warehouse_of(**files: Path) -> duckdb.DuckDBPyConnection:
    """The models over one build with these files, by their format."""
    given = Given()
    parts: dict[str, list[pa.Table]] = {}
    for form, file in files.items():
        found = reading.items(form, file)
        run = "1" if form in ("pprof", "legacy_profile") else None
        of = given.capture("b1", run, reading.facts(found).kind or form, format=form, path=f"b1/{file.name}")
        for name, table in reading.tables(found).items():
            parts.setdefault(name, []).append(
                table.append_column("capture_id", pa.array([of] * len(table), pa.string()))
            )
    tables = given.arrow()
    for name, found_tables in parts.items():
        names = tables[name].column_names
        tables[name] = pa.concat_tables([tables[name], *(t.select(names) for t in found_tables)])
    return built_over(tables)


def attributed(connection: duckdb.DuckDBPyConnection, kinds: set[str] = KINDS) -> Counter[Key]:
    """Bytes that the models attribute. Frame.Function, which the truth has, hides type arguments as [...]."""
    found = rows(
        connection,
        """
        select
            case callee_class when 'sync_map' then 'sync' else replace(callee_class, 'map_', '') end as kind,
            regexp_replace(leaf_function, '\\[.*\\]', '[...]') as function,
            leaf_file,
            leaf_line,
            sum(alloc_bytes)::bigint
        from int_profile_callees
        join int_stack_sites using (build_id, stack_id)
        where callee_class <> 'other' and alloc_bytes > 0
        group by all
        """,
    )
    return of_kinds(Counter({tuple(row[:4]): row[4] for row in found}), kinds)


def precision_and_recall(found: Counter[Key], truth: Counter[Key]) -> tuple[float, float]:
    right = sum((found & truth).values())
    return right / sum(found.values()), right / sum(truth.values())


def record_test_binary(folder: Path, version: str) -> Path:
    binary = folder / "maps.test"
    run_go("maps", version, "test", "-c", "-trimpath", "-o", str(binary))
    env = environment() | {"FOLDER": str(folder)}
    subprocess.run([binary, "-test.run=TestRun"], env=env, check=True, stdout=subprocess.DEVNULL)
    return binary


def told_in(version: str) -> set[str]:
    """What the truth can tell: to Go 1.25 its stacks lack what called mallocgc, such as convT64."""
    return KINDS - {"convert"} if version < "1.26" else KINDS


def assert_exact(folder: Path, binary: Path, measured, method: str, version: str) -> None:
    kinds = told_in(version)
    truth = truth_of(folder, kinds)
    assert {kind for kind, *_ in truth} == kinds - {"grow"}
    assert len(truth) > 70
    found = attributed(warehouse_of(pprof=folder / "heap.pb.gz", binary=binary), kinds)
    assert found == truth
    assert measured(method, version, of_kinds(found, MAPS), of_kinds(truth, MAPS)) == (1.0, 1.0)
    for kind in kinds & NAMES.keys():
        both = of_kinds(found, {kind}), of_kinds(truth, {kind})
        assert measured(f"{method}: {NAMES[kind]}", version, *both) == (1.0, 1.0)


def by_kind(found: Counter[Key]) -> Counter[Key]:
    """Bytes by kind alone."""
    kinds: Counter[Key] = Counter()
    for (kind, *_), size in found.items():
        kinds[kind, "", "", 0] += size
    return kinds


def test_map_allocations_are_attributed_exactly(tmp_path, measured):
    assert_exact(tmp_path, record(tmp_path, "1.27"), measured, "binary, plain", "1.27")


@pytest.mark.full
@pytest.mark.parametrize("flags", [(), ("-buildmode=pie",)], ids=["plain", "pie"])
def test_text_profile_tells_growth_exactly(flags, tmp_path, measured):
    binary = record(tmp_path, "1.27", *flags)
    found = attributed(warehouse_of(legacy_profile=tmp_path / "heap.txt", binary=binary))
    truth = truth_of(tmp_path, grows=True)
    assert found == truth
    assert {kind for kind, *_ in found} == KINDS
    method = f"heap?debug=1 and binary, {'PIE' if flags else 'plain'}, growth apart"
    assert measured(method, "1.27", found, truth) == (1.0, 1.0)


@EVERY_VERSION
@pytest.mark.parametrize(
    "flags", [(), ("-ldflags=-s -w",), ("-buildmode=pie",)], ids=["plain", "stripped", "pie"]
)
def test_text_profile_is_attributed_exactly_by_every_version(version, flags, tmp_path, measured, request):
    binary = record(tmp_path, version, *flags)
    kinds = told_in(version)
    found = attributed(warehouse_of(legacy_profile=tmp_path / "heap.txt", binary=binary), kinds)
    # Go 1.24 and 1.25 show reflect.makemap in text alone, so its bytes stand at another line there.
    method = f"heap?debug=1 and binary, {request.node.callspec.id.split('-')[0]}, growth apart, by class"
    both = by_kind(found), by_kind(truth_of(tmp_path, kinds, grows=True))
    assert measured(method, version, *both) == (1.0, 1.0)
    assert both[0] == both[1]


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


@pytest.fixture(scope="module")
def listed(tmp_path_factory) -> Path:
    """A recording with its binary, its package's listing, and another binary of the same source."""
    folder = tmp_path_factory.mktemp("listed")
    record(folder, "1.27")
    listing = run_go("maps", "1.27", "build", "-trimpath", "-o", "/dev/null", "-gcflags=-S").stderr
    (folder / "S.txt").write_text(listing)
    build("maps", "1.27", folder / "other", "-gcflags=-l")
    return folder


@pytest.mark.full
def test_binary_with_another_build_id_is_refused(listed):
    connection = warehouse_of(pprof=listed / "heap.pb.gz", binary=listed / "other")
    found = rows(connection, "select distinct evidence from int_profile_callees order by all")
    assert found == [("function_name",), ("unknown",)]


@pytest.mark.full
def test_binary_without_a_build_id_is_refused_by_its_lines(listed):
    connection = warehouse_of(pprof=listed / "heap.pb.gz", binary=listed / "other")
    connection.execute("update profile_mappings set gnu_build_id = null")
    build_models(connection)
    found = rows(connection, "select distinct evidence from int_profile_callees order by all")
    assert found == [("call_target_line",), ("function_name",)]
    precision, recall = precision_and_recall(attributed(connection, MAPS), truth_of(listed, MAPS))
    assert precision == 1.0
    assert recall < 0.5


# Precision and recall by bytes, at least, of what can be said without a binary; of Go 1.27.
RUNGS = [
    ("legacy_profile", "listing_offset", 1.0, 1.0),
    ("pprof", "listing_offset_mod_32", 1.0, 0.915),
    ("pprof", "listing_line", 1.0, 0.761),
    ("pprof", "listing_any_map_call", 0.937, 1.0),
]


@pytest.mark.parametrize(("form", "evidence", "precision", "recall"), RUNGS)
@pytest.mark.sampled
def test_listing_attributes_what_was_compiled_with_it(listed, form, evidence, precision, recall, measured):
    profile = listed / {"pprof": "heap.pb.gz", "legacy_profile": "heap.txt"}[form]
    connection = warehouse_of(**{form: profile}, listing=listed / "S.txt")
    connection.execute("delete from int_listing_callees where evidence <> ?", [evidence])
    build_models(connection, "int_profile_callees")
    kinds = {"assign"} if evidence == "listing_any_map_call" else MAPS
    # The listing is of the program's own package alone; a call of maps.Clone allocates in another.
    both = [
        Counter({k: v for k, v in of.items() if k[1].startswith("main.")})
        for of in (attributed(connection, kinds), truth_of(listed, kinds))
    ]
    found = measured(evidence, "1.27", *both)
    assert found[0] >= precision
    assert found[1] >= recall


def sureness(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Each evidence's share of the map bytes, times its confidence."""
    return dict(
        rows(
            connection,
            """
            select evidence, map_bytes * confidence / sum(map_bytes) over ()
            from attribution_shares where map_bytes > 0
            """,
        )
    )


def test_a_listing_beside_the_binary_changes_nothing(listed, measured):
    connection = warehouse_of(pprof=listed / "heap.pb.gz", binary=listed / "maps", listing=listed / "S.txt")
    found = attributed(connection, MAPS)
    assert measured("the ladder, binary and listing", "1.27", found, truth_of(listed, MAPS)) == (1.0, 1.0)
    assert set(sureness(connection)) == {"call_target", "function_name"}


def test_the_ladder_without_a_binary_is_as_sure_as_it_says(listed, measured):
    connection = warehouse_of(pprof=listed / "heap.pb.gz", listing=listed / "S.txt")
    shares = sureness(connection)
    found = attributed(connection, MAPS)
    precision, recall = measured("the ladder, listing alone", "1.27", found, truth_of(listed, MAPS))
    assert "listing_offset_mod_32" in shares
    assert "listing_any_map_call" in shares
    assert precision >= sum(shares.values()) >= 0.98
    assert recall >= 0.98


def test_the_ladder_is_exact_by_a_text_profile_and_a_listing(listed, measured):
    connection = warehouse_of(legacy_profile=listed / "heap.txt", listing=listed / "S.txt")
    found = attributed(connection, MAPS)
    method = "the ladder, heap?debug=1 and listing"
    precision, recall = measured(method, "1.27", found, truth_of(listed, MAPS))
    assert "listing_offset" in sureness(connection)
    assert precision == 1.0
    # maps.Clone allocates in a package that this listing is not of.
    assert recall >= 0.999


@pytest.mark.full
def test_routes_name_the_package_that_the_program_called(listed):
    connection = warehouse_of(pprof=listed / "heap.pb.gz", binary=listed / "maps")
    query = "select distinct function, route, callee_class from mapassign_allocations where route is not null"
    found = {(name.removeprefix("main."), route, kind) for name, route, kind in rows(connection, query)}
    assert found >= {
        ("jsonNested", "encoding/json", "map_assign"),
        ("jsonAny", "encoding/json", "map_assign"),
        ("throughReflect", "reflect", "map_assign"),
        ("makeReflect", "reflect", "map_make"),
        ("boxedByReflect", "reflect", "convert"),
        ("cloned", "maps", "map_clone"),
        ("syncMap", "sync", "sync_map"),
    }
    own = rows(connection, "select count(*) from mapassign_allocations where route is null")
    assert own[0][0] > 40


KEYS = {
    "runtime.mapassign_faststr": ("map[string]",),
    "runtime.mapassign_fast32": ("map[int32]",),
    "runtime.mapassign_fast64": ("map[int]", "map[int64]", "map[uint64]"),
    "runtime.mapassign_fast64ptr": ("map[*", "map[chan"),
}


def test_a_listing_gives_each_call_a_map_of_its_kind_of_key(listed):
    calls = reading.tables(reading.items("listing", listed / "S.txt"))["listing_calls"].to_pylist()
    typed = [r for r in calls if r["callee"] in KEYS and r["map_type"]]
    assert len(typed) > 40
    assert {r["callee"] for r in typed} == KEYS.keys()
    assert all(r["map_type"].startswith((*KEYS[r["callee"]], "main.counts")) for r in typed)
    assert {r["function"] for r in typed if r["map_type"] == "main.counts"} >= {"main.counts.set"}
    # A generic function has its type from its dictionary.
    untyped = {r["function"] for r in calls if r["callee"] in KEYS and not r["map_type"]}
    assert all("[go.shape" in function for function in untyped)
