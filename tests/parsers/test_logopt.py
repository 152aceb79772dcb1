"""The compiler's diagnostics as JSON say what -m says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.parsers import reading
from tracemill.parsers.api import ParseError

SAMPLES = Path(__file__).parents[1] / "samples"
VERSIONS = ["go1.21", "go1.27"]
HEADER = '{"version":0,"package":"p","gc_version":"go1.27.3","file":"/src/a%20b.go"}\n'


def rows_of(form: str, path: Path) -> list[dict]:
    return reading.tables(reading.items(form, path))["escapes"].to_pylist()


def places(rows: list[dict], kind: str) -> Counter:
    return Counter(
        (Path(row["file"]).name, row["line"], row["column"]) for row in rows if row["kind"] == kind
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_json_says_what_m_says_of_the_heap(version):
    as_json = rows_of("logopt", SAMPLES / f"logopt/{version}/main.json")
    as_text = rows_of("escapes", SAMPLES / f"escapes/{version}/m.txt")
    # The function that a go statement wraps around a call: -m=2 explains it, and never says that it escapes.
    wrapper = {("main.go", 44, 3)}
    assert set(places(as_json, "escapes_to_heap")) == set(places(as_text, "escapes_to_heap")) | wrapper
    assert set(places(as_json, "moved_to_heap")) == set(places(as_text, "moved_to_heap"))
    inlinable = {place for place in places(as_text, "can_inline") if place[0] == "main.go"}
    assert set(places(as_json, "can_inline")) == inlinable


@pytest.mark.parametrize("version", VERSIONS)
def test_json_says_what_check_bce_says(version):
    as_json = rows_of("logopt", SAMPLES / f"logopt/{version}/main.json")
    as_text = rows_of("escapes", SAMPLES / f"escapes/{version}/bce.txt")
    assert {row["kind"] for row in as_text} == {"bounds_check"}
    told = {(r["line"], r["message"]) for r in as_json if r["kind"] == "bounds_check"}
    assert told >= {(r["line"], r["message"]) for r in as_text}


def test_what_is_known_of_the_package_and_the_way_to_the_heap(tmp_path):
    path = tmp_path / "a.json"
    flow = '{"location":{},"message":"escflow:    flow: {heap} ← x:"},{"location":{},"message":"inlineLoc"}'
    said = '"severity":3,"code":"escapes","message":"x escapes to heap"'
    diagnostic = f'{{"range":{{"start":{{"line":3,"character":4}}}},{said}'
    path.write_text(HEADER + diagnostic + f',"relatedInformation":[{flow}]}}\n' + diagnostic + "}\n")
    (row,) = rows_of("logopt", path)
    assert row == {
        "package": "p",
        "file": "/src/a b.go",
        "line": 3,
        "column": 4,
        "message": "moved to heap: x",
        "kind": "moved_to_heap",
        "explanation": "flow: {heap} ← x:",
    }
    assert reading.facts(reading.items("logopt", path)).go_version == "go1.27.3"


def test_a_line_that_is_none_is_an_issue_and_a_header_that_is_none_an_error(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(HEADER + '{"range":{"start":{"line":-1,"character":4}},"code":"leak"}\n{"range"')
    assert [i.position for i in reading.issues(reading.items("logopt", path))] == ["line 2", "line 3"]
    path.write_text('{"version":0,"package":"p"')
    with pytest.raises(ParseError, match="line 1: not a diagnostic"):
        reading.items("logopt", path)


def test_devirtualized_by_a_profile(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text("./a.go:1:2: PGO devirtualizing interface call r.Read to *os.File\n")
    assert [row["kind"] for row in rows_of("escapes", path)] == ["devirtualized"]
