"""A build whose models or checks fail is set aside by name: the others are published, and nothing is lost."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracemill.flows.cli import main
from tracemill.flows.gate.judge import gate
from tracemill.flows.keep.retention import Policy, retention
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.show.doctor import examine
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.models import Model, ModelError, read_models
from tracemill.warehouse.publish import Published, publish

CASE = Path(__file__).parent / "samples/cases/goroutine-profiles-only/artifacts"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A warehouse with the builds b05, b06 and b07, not published yet."""
    for build in ("b05", "b06", "b07"):
        shutil.copytree(CASE / build, tmp_path / "artifacts" / build)
    ingest([tmp_path / "artifacts"], tmp_path / "w")
    return tmp_path / "w"


def refusing(*builds: str) -> Model:
    """A check that selects these builds."""
    named = ", ".join(f"'{b}'" for b in builds)
    sql = f"select build_id, 1 as n from builds where build_id in ({named}) order by 1"
    return Model("none_refused", "checks", "No build is refused.", (), "check", sql, frozenset({"builds"}))


def published(root: Path, *checks: Model, full: bool = False, models: list[Model] | None = None) -> Published:
    return publish(Catalog.load(root), models=[*(models or read_models()), *checks], full=full)


def builds_of(root: Path, table: str) -> list[str]:
    with connect(root) as connection:
        rows = connection.execute(f"select distinct build_id from {table} order by 1").fetchall()
    return [row[0] for row in rows]


def test_a_build_that_a_check_names_is_set_aside_and_the_others_are_published(root: Path) -> None:
    done = published(root, refusing("b06"))
    assert (done.is_changed, done.failed_checks) == (True, {})
    assert done.set_aside == {
        "b06": "check none_refused failed: No build is refused. Offending: build_id='b06', n=1"
    }
    assert builds_of(root, "builds") == builds_of(root, "observations") == ["b05", "b07"]
    assert {c.build_id for c in Catalog.load(root).captures.values()} == {"b05", "b06", "b07"}


def test_its_gate_cannot_judge_and_doctor_names_it(root: Path) -> None:
    published(root, refusing("b07"))
    found = gate(root, "b07")
    assert found.exit_code == 2
    assert found.doubts[0].startswith("b07 is set aside: check none_refused failed")
    assert any(a.what.startswith("b07 is set aside: check none_refused") for a in examine(root))


@pytest.mark.full
def test_it_stays_aside_until_it_or_the_models_change(root: Path) -> None:
    published(root, refusing("b06"))
    again = published(root, refusing("b06"))
    assert (again.is_changed, list(again.set_aside)) == (False, ["b06"])
    mended = published(root)
    assert (mended.is_changed, mended.set_aside) == (True, {})
    assert builds_of(root, "observations") == ["b05", "b06", "b07"]
    assert published(root).set_aside == {}


@pytest.mark.full
def test_rows_that_were_published_of_it_before_go(root: Path) -> None:
    published(root)
    published(root, refusing("b05"))
    assert builds_of(root, "observations") == builds_of(root, "int_figures") == ["b06", "b07"]


@pytest.mark.full
def test_a_check_that_names_every_build_or_none_publishes_nothing(root: Path) -> None:
    published(root)
    done = published(root, refusing("b05", "b06", "b07"))
    assert (done.is_changed, list(done.failed_checks), done.set_aside) == (False, ["none_refused"], {})
    nameless = replace(refusing("b06"), sql="select 1 as n")
    assert list(published(root, nameless).failed_checks) == ["none_refused"]
    assert builds_of(root, "builds") == ["b05", "b06", "b07"]


@pytest.mark.full
def test_a_build_whose_own_models_cannot_be_built_is_set_aside(root: Path) -> None:
    sql = "select build_id, cast(if(build_id = 'b06', 'x', '1') as integer) as n from stg_captures"
    failing = Model("int_numbers", "intermediate", "Numbers.", (), "build", sql, frozenset({"stg_captures"}))
    models = [m for m in read_models() if m.scope != "check"]
    done = published(root, models=[*models, failing])
    assert list(done.set_aside) == ["b06"]
    assert "sql/intermediate/int_numbers.sql" in done.set_aside["b06"]
    assert builds_of(root, "int_numbers") == ["b05", "b07"]
    assert not list(root.glob(".warehouse*"))


@pytest.mark.full
def test_a_model_that_no_build_is_to_blame_for_is_an_error_as_ever(root: Path) -> None:
    sql = "select build_id, cast('x' as integer) as n from stg_captures"
    failing = Model("int_numbers", "intermediate", "Numbers.", (), "build", sql, frozenset({"stg_captures"}))
    with pytest.raises(ModelError):
        published(root, models=[*read_models(), failing])


@pytest.mark.full
def test_retention_takes_nothing_of_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [*read_models(), refusing("b06")]
    monkeypatch.setattr("tracemill.flows.build.read_models", lambda: models)
    published(root, refusing("b06"))
    policy = Policy.of({"profile_samples": "1d"}, keeps_incidents=False)
    done = retention(root, policy, is_trial=False, now=datetime(2099, 1, 1, tzinfo=UTC))
    left = {c.build_id for c in Catalog.load(root).captures.values() if "profile_samples" in c.files}
    assert (done.builds, left) == (["b05", "b07"], {"b06"})


@pytest.mark.full
def test_the_verbs_say_so_and_their_exit_code_is_1(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [*read_models(), refusing("b06")]
    monkeypatch.setattr("tracemill.flows.build.read_models", lambda: models)
    for verb in (["build"], ["build"], ["run", str(root.parent / "artifacts")]):
        done = CliRunner().invoke(main, [*verb, "--warehouse", str(root)])
        assert done.exit_code == 1, done.output
        assert "b06 is set aside, the others are published: check none_refused failed" in done.output
    said = CliRunner().invoke(main, ["doctor", "--format", "json", "--warehouse", str(root)])
    assert any(a["what"].startswith("b06 is set aside") for a in json.loads(said.stdout))
