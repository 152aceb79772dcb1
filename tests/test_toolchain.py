"""Another release of Go: functions keep their identity, known changes are data, the code is not blamed."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracemill.flows.cli import main
from tracemill.flows.gate.toolchain import BREAKS, Toolchain, paired, plain_name
from tracemill.warehouse.compared import Run, Sides
from tracemill.warehouse.schema.metrics import METRICS

ARTIFACTS = Path(__file__).parents[1] / "examples/artifacts"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shop.Serve.func1", "shop.Serve.func2"),
        ("shop.Serve.func1", "shop.Serve.gowrap1"),
        ("shop.Serve.func1.2", "shop.Serve.func1.deferwrap1"),
        ("shop.Each-range1", "shop.Each.func1"),
        ("shop.Each.func3-range2", "shop.Each.func1"),
        ("shop.Map[go.shape.int]", "shop.Map[...]"),
        ("shop.(*Table[go.shape.string,go.shape.[]int]).Put", "shop.(*Table[...]).Put"),
        (
            "shop.Serve.func1 (chan send) from shop.Run.func2",
            "shop.Serve.func4 (chan send) from shop.Run.gowrap1",
        ),
        ("shop.(*Pool).Do-fm", "shop.(*Pool).Do"),
    ],
)
def test_a_function_is_itself_under_another_release(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shop.Serve", "shop.Serve2"),
        ("shop/v2.Serve", "shop/v3.Serve"),
        ("gopkg.in/yaml%2ev2.Decode", "gopkg.in/yaml%2ev3.Decode"),
        ("shop.(*A).Put", "shop.(*B).Put"),
        ("shop.func1er", "shop.func2er"),
    ],
)
def test_functions_that_differ_stay_apart(one: str, other: str) -> None:
    assert plain_name(one) != plain_name(other)


def _run(build: str, subject: str) -> Run:
    return Run(**dict.fromkeys(Run._fields) | {"build_id": build, "metric": "m", "subject": subject})


def test_only_what_is_alone_on_both_sides_is_paired() -> None:
    one, two = _run("a", "f.func1"), _run("b", "f.gowrap1")
    assert paired([Sides([one], []), Sides([], [two])]) == [Sides([one], [two])]
    third = _run("b", "f.func9")
    three = [Sides([one], []), Sides([], [two]), Sides([], [third])]
    assert paired(three) == three


def test_every_known_break_moves_some_metric_and_has_its_source() -> None:
    for known in BREAKS:
        assert any(re.fullmatch(known.metrics, name) for name in METRICS), known
        assert known.source
        assert 22 <= known.minor <= 27


def test_breaks_count_between_the_releases_in_both_directions() -> None:
    up, down = Toolchain("go1.22.1", "go1.24.3", False), Toolchain("go1.24.3", "go1.22.1", False)
    assert {b.minor for b in up.known} == {23, 24}
    assert up.known == down.known
    assert Toolchain("go1.24.1", "go1.24.9", False).known == []


def _side(folder: Path, build: str, commit: str, version: str) -> Path:
    for run in ("r1", "r2", "r3"):
        (folder / run).mkdir(parents=True)
        for name in ("block.pb.gz", "mutex.pb.gz", "run.json"):
            shutil.copy(ARTIFACTS / build / run / name, folder / run)
    (folder / "build.json").write_text(json.dumps({"commit": commit, "go_version": version}))
    return folder


@pytest.mark.full
def test_of_one_commit_under_two_releases_the_code_is_not_blamed(tmp_path: Path) -> None:
    before = _side(tmp_path / "a", "b07", "a" * 40, "go1.21.3")
    after = _side(tmp_path / "b", "b08", "a" * 40, "go1.27.3")
    done = CliRunner().invoke(main, ["compare", str(before), str(after), "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    answers = {s["answer"] for s in found["series"]}
    assert "by the toolchain" in answers
    assert not {"worse", "better"} & answers
    assert done.exit_code == 0
    assert found["toolchain"]["is_all_that_differs"]
    text = CliRunner().invoke(main, ["compare", str(before), str(after)]).stdout
    words = " ".join(text.split())
    assert "Go go1.21.3 → go1.27.3 is all that differs" in words
    assert "scales delays by how many goroutines wait (1.22, golang/go#61015)" in words


@pytest.mark.full
def test_where_the_commit_differs_too_nothing_is_claimed_and_both_are_said(tmp_path: Path) -> None:
    before = _side(tmp_path / "a", "b07", "a" * 40, "go1.21.3")
    after = _side(tmp_path / "b", "b08", "b" * 40, "go1.27.3")
    done = CliRunner().invoke(main, ["compare", str(before), str(after)])
    words = " ".join(done.stdout.split())
    assert done.exit_code == 2
    assert "Go go1.21.3 → go1.27.3 differs too" in words
    assert "not compared" in words
    same = CliRunner().invoke(main, ["compare", str(before), str(after), "--same-source"])
    assert same.exit_code == 0


def test_a_card_says_that_the_release_changed_too(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracemill.flows.show import card as cards
    from tracemill.flows.show.card_incident import choose, incidents
    from tracemill.flows.show.card_terminal import as_text
    from tracemill.flows.show.page import Links, incident_page
    from tracemill.warehouse import connect

    both = Toolchain("go1.26.1", "go1.27.3", False)
    monkeypatch.setattr(cards, "between", lambda *_: both)
    with connect(demo) as connection:
        shown = cards.card(connection, choose(incidents(connection), ["b05"], ["b05"])[0], [])
    assert "Go go1.26.1 → go1.27.3 differs too" in " ".join(as_text(shown, 100, is_coloured=False).split())
    page = html.unescape(incident_page(shown, Links()))
    assert "Go go1.26.1 → go1.27.3 differs too" in page
