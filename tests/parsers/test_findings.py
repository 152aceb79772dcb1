from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.parsers import reading
from tests.parsers.record import PROGRAMS
from tracemill.parsers.api import ParseError

SAMPLES = Path(__file__).parents[1] / "samples" / "findings"


def rows_of(path: Path) -> list[dict]:
    return reading.tables(reading.items("findings", path))["static_findings"].to_pylist()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/vet.json")), ids=lambda p: p.parent.name)
def test_vet_findings_have_their_place_and_analyzer(path):
    rows = rows_of(path)
    assert {(r["rule"], r["file"], r["line"]) for r in rows} >= {
        ("copylocks", "/src/vetted/main.go", 14),
        ("printf", "/src/vetted/main.go", 23),
        ("unreachable", "/src/vetted/main.go", 26),
    }
    assert {(r["tool"], r["package"], r["level"]) for r in rows} == {("vet", "example.com/vetted", "warning")}
    assert [r["finding_index"] for r in rows] == list(range(len(rows)))


def test_sarif_results_have_their_rule_level_and_region():
    rows = rows_of(SAMPLES / "sarif-2.1.0" / "analyzer.sarif")
    kept = ("tool", "rule", "level", "file", "line", "column", "is_suppressed")
    assert [tuple(r[k] for k in kept) for r in rows] == [
        ("mapcheck", "MAP001", "error", "service/cache store.go", 42, 7, False),
        ("mapcheck", "MAP002", "warning", "service/cache.go", 60, None, True),
        ("mapcheck", "MAP003", "note", None, None, None, False),
    ]
    assert rows[0]["message"] == "The map grows inside a loop; give make a size."


def test_semgrep_finds_what_vet_finds_and_more():
    rows = rows_of(SAMPLES / "sarif-2.1.0" / "semgrep.sarif")
    assert {(r["tool"], r["rule"], r["level"]) for r in rows} == {
        ("Semgrep OSS", "map-without-size", "note"),
        ("Semgrep OSS", "receiver-copies-lock", "error"),
        ("Semgrep OSS", "endless-loop", "warning"),
    }
    vetted = {(r["rule"], r["line"], r["column"]) for r in rows if r["file"] == "vetted/main.go"}
    assert vetted == {("receiver-copies-lock", 14, 1), ("endless-loop", 24, 2)}
    source = (PROGRAMS / "maps/workloads.go").read_text().splitlines()
    lines = {r["line"]: r["is_suppressed"] for r in rows if r["file"] == "maps/workloads.go"}
    assert len(lines) == 28
    for line, is_suppressed in lines.items():
        assert "map[" in source[line - 1]
        assert is_suppressed == ("nosemgrep" in source[line - 1])


@pytest.mark.parametrize(
    ("result", "level"),
    [
        ({"ruleId": "A"}, "note"),
        ({"ruleIndex": 1}, "warning"),
        ({"ruleId": "A", "level": "error"}, "error"),
        ({"ruleId": "A", "kind": "pass"}, "none"),
        ({"ruleId": "unknown"}, "warning"),
    ],
)
def test_a_result_without_level_has_its_rules(result, level, tmp_path):
    rules = [{"id": "A", "defaultConfiguration": {"level": "note"}}, {"id": "B"}]
    run = {
        "tool": {"driver": {"name": "t", "rules": rules}},
        "results": [result | {"message": {"text": "m"}}],
    }
    path = tmp_path / "a.sarif"
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    assert [r["level"] for r in rows_of(path)] == [level]


def test_failed_analyzer_is_an_issue(tmp_path):
    path = tmp_path / "vet.json"
    path.write_text('# p\n{\n\t"p": {\n\t\t"nilness": {\n\t\t\t"error": "no types"\n\t\t}\n\t}\n}\n')
    found = reading.items("findings", path)
    assert [(i.position, i.message) for i in reading.issues(found)] == [("p", "nilness failed: no types")]


def test_several_packages_follow_each_other(tmp_path):
    one = '# {0}\n{{"{0}": {{"printf": [{{"posn": "/a/{0}.go:3:4", "message": "m"}}]}}}}\n'
    path = tmp_path / "vet.json"
    path.write_text(one.format("p") + "# empty\n{}\n" + one.format("q"))
    assert [(r["package"], r["file"], r["column"]) for r in rows_of(path)] == [
        ("p", "/a/p.go", 4),
        ("q", "/a/q.go", 4),
    ]


def test_broken_json_names_the_line(tmp_path):
    path = tmp_path / "vet.json"
    path.write_text('# p\n{\n\t"p": {\n\t\t"printf": [{"posn": }]}}\n')
    with pytest.raises(ParseError, match=r"vet\.json: line 4: broken JSON"):
        rows_of(path)


def test_result_without_a_message_is_an_issue(tmp_path):
    log = json.loads((SAMPLES / "sarif-2.1.0" / "analyzer.sarif").read_text())
    del log["runs"][0]["results"][1]["message"]
    path = tmp_path / "x.sarif"
    path.write_text(json.dumps(log))
    found = reading.items("findings", path)
    assert [i.position for i in reading.issues(found)] == ["run 0, result 1"]
    assert len(reading.tables(found)["static_findings"]) == 2


@pytest.mark.parametrize(
    "start", ['{"version": "2.1.0", "runs": ', '# a\n{"a": {"b": [{"posn": "x:1:2", "message": ']
)
def test_json_that_is_nested_too_deep_is_named(start, tmp_path):
    path = tmp_path / "deep.json"
    path.write_text(start + "[" * 100_000)
    with pytest.raises(ParseError, match=r"deep\.json: JSON that is nested too deep"):
        reading.items("findings", path)


def sarif_row(result: dict, tmp_path, **tool) -> dict:
    run = {
        "tool": {"driver": {"name": "t"} | tool.pop("driver", {}), **tool},
        "artifacts": [{"location": {"uri": "by/index.go"}}],
        "results": [{"message": {"text": "m"}} | result],
    }
    path = tmp_path / "log.sarif"
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    found = reading.items("findings", path)
    assert not reading.issues(found)
    (row,) = reading.tables(found)["static_findings"].to_pylist()
    return row


EXTENSION = [{"rules": [{"id": "a", "defaultConfiguration": {"level": "note"}},
                        {"id": "b", "defaultConfiguration": {"level": "error"}}]}]  # fmt: skip


@pytest.mark.parametrize(
    "result",
    [
        {"ruleId": "b", "rule": {"id": "b", "index": 1, "toolComponent": {"index": 0}}},
        {"ruleId": "b"},
        {"ruleId": "b", "ruleIndex": 0},
        {"ruleId": "b", "ruleIndex": 99},
        {"rule": {"index": 1, "toolComponent": {"index": 0}}},
    ],
)
def test_rules_of_extensions_give_the_level(result, tmp_path):
    row = sarif_row(result, tmp_path, extensions=EXTENSION)
    assert (row["rule"], row["level"]) == ("b", "error")


@pytest.mark.parametrize(
    ("location", "file"),
    [
        ({"uri": "file:///C:/src/a%20b.go"}, "C:/src/a b.go"),
        ({"uri": "file:///src/a.go"}, "/src/a.go"),
        ({"index": 0}, "by/index.go"),
    ],
)
def test_a_file_is_named_by_its_uri_or_its_place(location, file, tmp_path):
    row = sarif_row({"locations": [{"physicalLocation": {"artifactLocation": location}}]}, tmp_path)
    assert row["file"] == file


@pytest.mark.parametrize(
    ("suppressions", "is_suppressed"),
    [
        ([{"kind": "inSource"}], True),
        ([{"status": "accepted"}], True),
        ([{"status": "rejected"}], False),
        ([], False),
    ],
)
def test_a_suppression_that_does_not_hold_suppresses_nothing(suppressions, is_suppressed, tmp_path):
    assert sarif_row({"suppressions": suppressions}, tmp_path)["is_suppressed"] is is_suppressed


def test_a_message_is_looked_up_by_its_id_with_its_arguments(tmp_path):
    rule = {"id": "r", "messageStrings": {"default": {"text": "{0} is {1}"}}}
    result = {"ruleId": "r", "message": {"id": "default", "arguments": ["x", "unused"]}}
    assert sarif_row(result, tmp_path, driver={"rules": [rule]})["message"] == "x is unused"


def test_many_results_of_many_rules_take_time_by_their_number(tmp_path):
    rules = [{"id": f"r{i}"} for i in range(20_000)]
    results = [{"ruleId": f"r{i}", "message": {"text": "m"}} for i in range(20_000)]
    path = tmp_path / "log.sarif"
    path.write_text(
        json.dumps(
            {
                "version": "2.1.0",
                "runs": [{"tool": {"driver": {"name": "t", "rules": rules}}, "results": results}],
            }
        )
    )
    started = time.process_time()
    reading.items("findings", path)
    # Each result compared with each rule took minutes.
    assert time.process_time() - started < 15
