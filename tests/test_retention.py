"""Retention drops raw rows, and what was made of them stays, whatever is built, forgotten or harmed after."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracemill.flows import build as flows_build
from tracemill.flows.build import build
from tracemill.flows.cli import main
from tracemill.flows.keep.compact import compact
from tracemill.flows.keep.forget import Which, forget, restore
from tracemill.flows.keep.repair import repair
from tracemill.flows.keep.retention import Policy, Retained, retention
from tracemill.flows.keep.rollback import rollback
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.names import NoSuchNameError
from tracemill.flows.settings import SettingsError
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog, WarehouseError
from tracemill.warehouse.condensed import EXPIRABLE, raw_tables
from tracemill.warehouse.models import Model, read_models

from .conftest import SAMPLES
from .test_manifests import flip

EXAMPLES = Path(__file__).parents[1] / "examples/artifacts"
NOW = datetime(2026, 7, 1, tzinfo=UTC)
ALL = Policy.of({"raw": "30d"}, keeps_incidents=False)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts of four builds, two old and two new, each with heaps, a dump and a trace; their warehouse."""
    top = tmp_path_factory.mktemp("retention")
    for number, month in enumerate(("01", "02", "06", "06"), start=1):
        for run in ("1", "2"):
            folder = top / f"artifacts/b{number}/{run}"
            folder.mkdir(parents=True)
            shutil.copy(SAMPLES / "pprof/go1.27/heap.pb.gz", folder)
            shutil.copy(SAMPLES / "pprof/go1.27/cpu.pb.gz", folder)
            shutil.copy(SAMPLES.parent / "exectrace/samples/mixed-1.27.trace.gz", folder)
        facts = {"committed_at": f"2026-{month}-{10 + number}T00:00:00Z"}
        (top / f"artifacts/b{number}/build.json").write_text(json.dumps(facts))
    ingest([top / "artifacts"], top / "w", processes=1)
    build(top / "w")
    return top


@pytest.fixture
def warehouse(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template / "w", tmp_path / "w")


def models(root: Path) -> dict[str, object]:
    """What every model but the views says."""
    names = [m.name for m in read_models() if m.scope in {"build", "history", "all"}]
    with connect(root) as connection:
        return {
            name: connection.execute(f'select count(*), bit_xor(hash(t)) from "{name}" t').fetchall()
            for name in names
        }


def raw_builds(root: Path, table: str) -> list[str]:
    with connect(root) as connection:
        query = f"select distinct build_id from {table} join captures using (capture_id) order by 1"
        return [build for (build,) in connection.execute(query).fetchall()]


def apply(root: Path, policy: Policy = ALL) -> Retained:
    return retention(root, policy, is_trial=False, now=NOW)


def test_raw_rows_go_and_nothing_that_was_made_of_them(warehouse: Path) -> None:
    before = models(warehouse)
    assert raw_builds(warehouse, "goroutine_intervals") == ["b1", "b2", "b3", "b4"]
    done = apply(warehouse)
    assert done.builds == ["b1", "b2"]
    assert raw_builds(warehouse, "goroutine_intervals") == ["b3", "b4"]
    assert raw_builds(warehouse, "profile_samples") == ["b3", "b4"]
    assert models(warehouse) == before
    assert verify(warehouse).findings == []
    with connect(warehouse) as connection:
        query = "select build_id, len(expired_tables) > 5 from captures where kind = 'trace'"
        assert dict(connection.execute(query).fetchall()) == {
            "b1": True,
            "b2": True,
            "b3": False,
            "b4": False,
        }


@pytest.mark.sampled
@pytest.mark.parametrize("harm", ["built anew", "published file lost"])
@pytest.mark.full
def test_models_that_are_built_again_take_what_was_kept(warehouse: Path, harm: str) -> None:
    before = models(warehouse)
    apply(warehouse)
    if harm != "built anew":
        (warehouse / "warehouse.duckdb").unlink()
    done = build(warehouse, full=True)
    assert set(done.builds) == {"b1", "b2", "b3", "b4"}
    assert models(warehouse) == before
    assert (done.kept.earlier, done.kept.missing) == ({}, {})


def test_only_said_nothing_changes_and_the_same_is_said(warehouse: Path) -> None:
    files = sorted(warehouse.rglob("*"))
    told = retention(warehouse, ALL, now=NOW)
    assert sorted(warehouse.rglob("*")) == files
    done = apply(warehouse)
    assert (told.tables, told.builds) == (done.tables, done.builds)
    assert sum(t.files for t in told.tables) > 0


@pytest.mark.full
def test_a_table_has_an_age_of_its_own(warehouse: Path) -> None:
    before = models(warehouse)
    apply(warehouse, Policy.of({"raw": "forever", "goroutine_cycles": "30d"}))
    assert raw_builds(warehouse, "goroutine_intervals") == ["b3", "b4"]
    assert raw_builds(warehouse, "goroutines") == ["b1", "b2", "b3", "b4"]
    apply(warehouse, Policy.of({"raw": "150d", "goroutine_cycles": "30d"}, keeps_incidents=False))
    assert raw_builds(warehouse, "goroutines") == ["b2", "b3", "b4"]
    build(warehouse, full=True)
    assert models(warehouse) == before


@pytest.mark.full
def test_what_expired_can_be_brought_back_for_a_while(warehouse: Path) -> None:
    before = models(warehouse)
    done = apply(warehouse)
    rollback(warehouse, done.undo)
    assert raw_builds(warehouse, "goroutine_intervals") == ["b1", "b2", "b3", "b4"]
    assert not Catalog.load(warehouse).condensed
    assert models(warehouse) == before


@pytest.mark.full
def test_builds_at_which_an_incident_begins_keep_their_rows(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracemill.flows.keep.retention._builds_of_incidents", lambda _: frozenset({"b2"}))
    done = apply(warehouse, replace(ALL, keeps_incidents=True))
    assert (done.builds, done.kept_for_incidents) == (["b1"], ["b2"])
    assert raw_builds(warehouse, "goroutine_intervals") == ["b2", "b3", "b4"]


@pytest.mark.full
def test_a_build_whose_age_nobody_knows_is_kept_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts/b0/1"
    folder.mkdir(parents=True)
    (folder / "dump.txt").write_text("goroutine 1 [running]:\nmain.main()\n\t/m.go:3 +0x1\n")
    ingest([tmp_path / "artifacts"], tmp_path / "w")
    build(tmp_path / "w")
    done = apply(tmp_path / "w")
    assert (done.builds, done.undated) == ([], ["b0"])


@pytest.mark.full
def test_the_same_files_are_not_loaded_again(template: Path, warehouse: Path) -> None:
    apply(warehouse)
    done = ingest([template / "artifacts"], warehouse, processes=1)
    assert (done.loaded, done.unchanged) == ([], 24)


@pytest.mark.full
def test_captures_that_come_after_their_builds_rows_expired_are_named(
    template: Path, warehouse: Path, tmp_path: Path
) -> None:
    apply(warehouse)
    root = ("--warehouse", str(warehouse))
    assert "had expired" not in CliRunner().invoke(main, ["doctor", *root]).output
    artifacts = shutil.copytree(template / "artifacts", tmp_path / "artifacts")
    (artifacts / "b1/3").mkdir()
    shutil.copy(SAMPLES / "pprof/go1.24/heap.pb.gz", artifacts / "b1/3/late.pb.gz")
    done = CliRunner().invoke(main, ["run", str(artifacts), *root])
    said = "1 captures came after raw rows of b1 had expired, and not all figures have them: b1/3/late.pb.gz"
    assert said in done.stderr
    assert said in CliRunner().invoke(main, ["doctor", *root]).output


@pytest.mark.full
def test_labels_that_come_after_rows_expired_are_conditions(template: Path, warehouse: Path) -> None:
    retention(warehouse, ALL, is_trial=False, now=NOW)
    artifacts = shutil.copytree(template / "artifacts", warehouse.parent / "artifacts")
    facts = {"committed_at": "2026-01-11T00:00:00Z", "labels": {"machine": "old", "GOMAXPROCS": "7"}}
    (artifacts / "b1/build.json").write_text(json.dumps(facts))
    ingest([artifacts], warehouse, processes=1)
    build(warehouse)
    with connect(warehouse) as connection:
        found = connection.execute(
            "select distinct condition, value from int_condition_values "
            "where build_id = 'b1' and condition in ('machine', 'GOMAXPROCS') order by 1"
        ).fetchall()
    assert found == [("GOMAXPROCS", "7"), ("machine", "old")]


@pytest.mark.full
def test_a_changed_model_is_derived_anew_where_raw_rows_are_and_the_rest_is_told(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(warehouse)
    changed = _with("goroutine_blocks", lambda sql: sql.replace("from", "-- of now\nfrom", 1))
    monkeypatch.setattr(flows_build, "read_models", lambda: changed)
    before = models(warehouse)
    done = build(warehouse)
    assert done.kept.earlier == {"goroutine_blocks": ["b1", "b2"]}
    assert models(warehouse) == before


@pytest.mark.full
def test_a_model_with_a_new_column_has_nulls_of_what_expired(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(warehouse)
    changed = _with("goroutine_blocks", lambda sql: f"select *, 1 as one from (\n{sql}\n)")
    monkeypatch.setattr(flows_build, "read_models", lambda: changed)
    build(warehouse)
    with connect(warehouse) as connection:
        found = connection.execute(
            "select distinct build_id, one from goroutine_blocks order by 1"
        ).fetchall()
    assert found == [("b1", None), ("b2", None), ("b3", 1), ("b4", 1)]


@pytest.mark.full
def test_a_model_that_is_new_has_no_rows_of_what_expired_and_says_so(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(warehouse)
    old = next(m for m in read_models() if m.name == "goroutine_blocks")
    new = replace(old, name="new_blocks")
    changed = [*read_models(), new]
    monkeypatch.setattr(flows_build, "read_models", lambda: changed)
    done = build(warehouse)
    assert done.kept.missing == {"new_blocks": ["b1", "b2"]}
    with connect(warehouse) as connection:
        assert connection.execute("select distinct build_id from new_blocks order by 1").fetchall() == [
            ("b3",),
            ("b4",),
        ]


def _with(name: str, change) -> list[Model]:
    return [replace(m, sql=change(m.sql)) if m.name == name else m for m in read_models()]


def test_no_table_that_spans_builds_reads_rows_that_expire() -> None:
    """Else it would lose them: only models of scope build are kept."""
    known = {m.name: m for m in read_models()}
    for model in known.values():
        if model.scope in {"history", "all", "check"} or (
            model.scope == "view" and model.folder != "staging"
        ):
            as_build = raw_tables([*known.values(), replace(model, name="it", scope="build")])["it"]
            assert not as_build.intersection(EXPIRABLE), model.name


@pytest.mark.full
def test_a_part_of_a_build_that_expired_is_not_forgotten_but_the_build_is(warehouse: Path) -> None:
    before = models(warehouse)
    apply(warehouse)
    with pytest.raises(WarehouseError, match=r"raw rows of b1 have expired.*forget --build b1"):
        forget(warehouse, Which("b1", "1"))
    forget(warehouse, Which("b1"))
    assert not [k for k in Catalog.load(warehouse).condensed.values() if "b1" in k.builds]
    build(warehouse, full=True)
    with connect(warehouse) as connection:
        assert connection.execute("select distinct build_id from goroutine_blocks").fetchall() != []
        assert not connection.execute("from goroutine_blocks where build_id = 'b1'").fetchall()
    restore(warehouse, Which("b1"))
    build(warehouse, full=True)
    assert models(warehouse) == before


@pytest.mark.full
def test_condensed_rows_that_are_damaged_are_written_again_from_what_is_published(warehouse: Path) -> None:
    before = models(warehouse)
    apply(warehouse)
    path = next(p for p, k in Catalog.load(warehouse).condensed.items() if k.model == "goroutine_blocks")
    flip(warehouse / path, 100)
    assert [f.path for f in verify(warehouse).findings] == [path]
    assert repair(warehouse).dropped == []
    assert verify(warehouse).findings == []
    build(warehouse, full=True)
    assert models(warehouse) == before


@pytest.mark.full
def test_condensed_rows_that_are_lost_with_what_is_published_are_loaded_again(
    template: Path, warehouse: Path
) -> None:
    before = models(warehouse)
    apply(warehouse)
    path = next(p for p, k in Catalog.load(warehouse).condensed.items() if k.model == "goroutine_blocks")
    (warehouse / path).unlink()
    (warehouse / "warehouse.duckdb").unlink()
    assert {c.build_id for c in repair(warehouse).dropped} == {"b1", "b2"}
    ingest([template / "artifacts"], warehouse, processes=1)
    build(warehouse)
    assert models(warehouse) == before
    apply(warehouse)
    build(warehouse, full=True)
    assert models(warehouse) == before


@pytest.mark.full
def test_condensed_files_are_merged_and_shared_files_lose_what_expired(warehouse: Path) -> None:
    before = models(warehouse)
    compact(warehouse)
    apply(warehouse, Policy.of({"raw": "150d"}, keeps_incidents=False))
    apply(warehouse)
    files = len(Catalog.load(warehouse).condensed)
    compact(warehouse)
    catalog = Catalog.load(warehouse)
    assert len(catalog.condensed) == len({k.model for k in catalog.condensed.values()}) == files // 2
    assert all(k.builds == ["b1", "b2"] for k in catalog.condensed.values())
    assert verify(warehouse).findings == []
    build(warehouse, full=True)
    assert models(warehouse) == before


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({"raw": "a month"}, SettingsError, "say 36h, 30d, 8w or forever"),
        ({"stacks": "1d"}, NoSuchNameError, "no table that may expire 'stacks'"),
        ({"goroutine_cycle": "1d"}, NoSuchNameError, "did you mean 'goroutine_cycles'"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(words: dict[str, str], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        Policy.of(words)


def test_the_verbs_say_what_goes_and_how_to_undo_it(warehouse: Path) -> None:
    def told(*words: str) -> str:
        done = CliRunner().invoke(main, [*words, "--warehouse", str(warehouse)])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "would be dropped: raw rows of 4 builds (b1, b2, b3, b4)" in told(
        "retention", "--keep", "raw=36h", "--no-incidents"
    )
    output = told("retention", "--keep", "raw=36h", "--no-incidents", "--apply")
    assert "`tracemill rollback " in output
    assert "nothing is older" in told("retention", "--keep", "raw=36h")
    assert "in the place of" in told("compact", "--dry-run")
    assert json.loads(told("compact", "--json"))["files_after"] < 90
    assert "nothing to merge" in told("compact")
