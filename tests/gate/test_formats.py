"""What each format of the gate says, whatever names hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.models.story import story
from tracemill.flows.gate.formats import write
from tracemill.flows.gate.formats.table import on_screen
from tracemill.flows.gate.judgement import UNDECIDED, Finding, Judgement
from tracemill.flows.gate.suspected import Hint
from tracemill.flows.show.tables import markdown_table
from tracemill.warehouse.schema import MARTS

from .common import LOOKUP, QUOTE, TOP, judged, tracemill

HOSTILE = "app/a|b.<script>`x`\n::error::@all %,:[y](z)"


def a_judgement(**columns: object) -> Judgement:
    row = dict.fromkeys(Finding._fields, None) | {
        "status": "regressed",
        "build_id": HOSTILE,
        "first_build_id": HOSTILE,
        "metric": "block_ns",
        "subject": HOSTILE,
        "function": HOSTILE,
        "unit": "ns",
        "before": 1000.0,
        "after": 3000.0,
        "change_ratio": 3.0,
        "q_value": 1e-9,
        "p_value": 1e-10,
        "evidence": HOSTILE,
        "file": "a,b:c.go",
        "line": 7,
    }
    finding = Finding(**(row | columns))
    return Judgement(HOSTILE, None, ("b1", "b2", "b3"), False, {"block_ns": 1}, (finding,), (), (HOSTILE,))


def test_json_has_what_the_docs_say(demo: Path) -> None:
    found = tracemill("gate", "--candidate", "b10", "--format", "json", "--warehouse", demo)
    told = json.loads(found.stdout)
    assert {c.name for c in MARTS["regressions"].columns} < told["findings"][0].keys()
    [moved] = [f for f in told["findings"] if f["status"] == "moved"]
    assert (moved["moved_from"], moved["subject"]) == (LOOKUP, f"{QUOTE} (sync)")
    for format_ in ("table", "md"):
        text = tracemill("gate", "--candidate", "b10", "--format", format_, "--warehouse", demo).stdout
        [row] = [line for line in text.splitlines() if line.lstrip("| ").startswith("moved")]
        assert f"{QUOTE} (was {LOOKUP})" in row and "same cost" in row
    said = (TOP / "docs/exports.md").read_text().partition("## What the gate says")[2].partition("\n## ")[0]
    assert [key for key in told if f"`{key}`" not in said] == []


@pytest.mark.parametrize("format_", ["table", "md", "github", "junit"])
def test_what_else_one_cause_explains_is_said_beside_it_those_of_other_functions_first(format_: str) -> None:
    members = ["block_count of a.F", "cpu_ns of a.F", "bench sec/op of b.Run-2", "task_p50_ns of /order"]
    text = write(a_judgement(function="a.F", subject="a.F", members=members), format_)
    assert "bench sec/op of b.Run-2, task_p50_ns of /order and 2 more" in text.replace("\\", "")
    assert "block_count" not in text


def test_github_annotations_are_one_escaped_line_each() -> None:
    lines = write(a_judgement(), "github").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "::error file=a%2Cb%3Ac.go,line=7,title=Tracemill%3A block_ns::block_ns of app/a|b"
    )
    assert "%0A::error::@all %25,:" in lines[0]
    assert lines[1].startswith("::error title=Tracemill::could not judge: app/a|b")


def test_markdown_lets_no_name_out_of_its_place() -> None:
    text = write(a_judgement(), "md")
    spans = "".join(part for i, part in enumerate(text.split("`")) if i % 2 == 0)
    assert "<script" not in spans.replace("\\<", "")
    assert "@all" not in spans
    assert "[y](z)" not in spans
    assert "\n::error" not in text
    [row] = [line for line in text.splitlines() if line.startswith("| regressed")]
    assert row.replace("\\|", "").count("|") == 7
    assert text.count("<details>") == text.count("</details>") == 1


def test_a_backslash_before_a_pipe_makes_no_cell() -> None:
    [row] = [
        r for r in write(a_judgement(function=r"a\|b"), "md").splitlines() if r.startswith("| regressed")
    ]
    assert len(re.findall(r"(?:\\.|[^|\\])+", row.strip("|"))) == 6  # as GitHub's parser splits cells
    [row] = markdown_table(["a"], [[r"x\|y `z` <b> [l](u)"]]).splitlines()[2:]
    assert row == r"| x\\\|y \`z\` \<b> \[l\](u) |"


def test_markdown_of_many_verdicts_fits_a_comment_and_counts_the_rest() -> None:
    one = a_judgement()
    many = replace(
        one, findings=one.findings * 2000, doubts=one.doubts * 2000, suspected=(Hint("may " * 9),) * 2000
    )
    text = write(many, "md")
    assert 30_000 < len(text) < 65_536
    assert len(re.findall(r"\n- \d+ more (?:verdicts|doubts|sentences): --format json", text)) == 4
    assert text.count("<details>") == text.count("</details>") == 1
    assert "more" not in write(replace(one, suspected=()), "md")


def test_a_terminal_shows_no_line_of_a_name() -> None:
    assert "\n::error" not in write(a_judgement(subject="\x1b[31m"), "table")
    assert "\x1b" not in write(a_judgement(function="\x1b[31m"), "table")


@pytest.mark.full
def test_sarif_has_what_the_standard_and_code_scanning_ask_for(demo: Path) -> None:
    found = tracemill("gate", "--candidate", "b08", "--format", "sarif", "--warehouse", demo)
    assert found.exit_code == 1
    log = json.loads(found.stdout)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    assert run["tool"]["driver"]["name"] == "Tracemill"
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {r["ruleId"] for r in run["results"]} == rules == {"regressed/block_ns"}
    [blocked] = [r for r in run["results"] if r["ruleId"] == "regressed/block_ns"]
    place = blocked["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "internal/cache/prices.go"},
        "region": {"startLine": 42},
    }
    assert run["invocations"][0]["executionSuccessful"] is True
    # Code scanning refuses the log whole where one result has no file, as a benchmark has none.
    bench = tracemill(
        *("gate", "--candidate", "b08", "--metric", "bench sec/op", "--format", "sarif", "--warehouse", demo)
    )
    [result] = json.loads(bench.stdout)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "go.mod"
    assert json.loads(write(a_judgement(), "sarif"))["runs"][0]["invocations"][0] == {
        "executionSuccessful": False,
        "exitCode": 1,
        "toolExecutionNotifications": [{"level": "error", "message": {"text": f"{HOSTILE}"}}],
    }


def test_accepted_regressions_are_suppressed_in_sarif_and_noticed_on_github() -> None:
    accepted = a_judgement(accepted_by="Ann", accepted_reason="why not")
    assert accepted.exit_code == UNDECIDED  # for its doubt
    [result] = json.loads(write(accepted, "sarif"))["runs"][0]["results"]
    assert result["suppressions"][0]["justification"] == "Ann: why not"
    lines = write(accepted, "github").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice"]


def test_a_regression_found_later_says_where_it_begins() -> None:
    late = a_judgement(build_id="b9", first_build_id="b7", commit="cafe")
    assert "regressed since b7" in write(late, "table")
    assert "regressed since b7, commit cafe; known from b9 on" in write(late, "md")


@pytest.mark.full
def test_code_scanning_keeps_what_is_open_under_its_fingerprint(demo: Path) -> None:
    def prints(build: str) -> dict[str, str]:
        log = tracemill("gate", "--candidate", build, "--format", "sarif", "--warehouse", demo).stdout
        results = json.loads(log)["runs"][0]["results"]
        return {r["partialFingerprints"]["tracemillChange/v1"]: r["baselineState"] for r in results}

    assert prints("b08").keys() == prints("b09").keys()
    assert set(prints("b08").values()) == {"new"}
    assert set(prints("b09").values()) == {"unchanged"}
    annotated = tracemill("gate", "--candidate", "b09", "--format", "github", "--warehouse", demo).stdout
    assert annotated.count("::warning ") == 1


@pytest.mark.full
def test_junit_has_a_failure_an_error_and_what_was_not_judged() -> None:
    given = story()
    suite = ElementTree.fromstring(write(judged(given, "b4"), "junit")).find("testsuite")
    assert suite is not None
    failed = {case.get("classname") for case in suite.findall("testcase[failure]")}
    assert failed == {"tracemill.mapassign_alloc_bytes"}  # what leads the incident
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
    passed = [c for c in suite.findall("testcase") if not len(c)]
    names = {case.get("classname") for case in passed}
    assert "tracemill.block_ns" in names
    assert "tracemill.mapassign_inuse_bytes" not in names  # a figure of the same incident
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    undecided = ElementTree.fromstring(write(judged(given, "b2"), "junit"))
    assert undecided.get("errors") == "1"
    error = undecided.find(".//error")
    assert error is not None
    assert "it takes 3" in str(error.get("message"))


def test_junit_is_xml_whatever_names_hold() -> None:
    suite = ElementTree.fromstring(write(a_judgement(function='a\x1b<]]>&"b', subject="\x00\ud800"), "junit"))
    assert suite.get("failures") == "1"


def findings(*rows: dict[str, object]) -> list[Finding]:
    return [a_judgement(**row).findings[0] for row in rows]


CACHED = {"function": LOOKUP, "subject": f"{LOOKUP} (sync)", "file": "internal/cache/prices.go"}
THROUGH = "storefront/internal/server.(*Server).placeOrder"


def test_a_terminal_shows_amounts_metrics_and_last_names_whole_at_any_width() -> None:
    found = findings(
        CACHED,
        {
            "function": "storefront/internal/session/deeply/nested.(*Table).Touch",
            "metric": "mapassign_alloc_bytes",
            "unit": "bytes/request",
        },
    )
    for width in (120, 80, 60, 40):
        text = on_screen(found, width)
        assert "functions of storefront/internal/\n" in text
        assert "block_ns ×3: 1 µs → 3 µs" in text
        assert "mapassign_alloc_bytes ×3: 0.977 KiB → 2.93 KiB a request" in text
        assert "Lookup\n" in text
        assert "Touch\n" in text
        assert width < 60 or max(map(len, text.splitlines())) <= width
    assert on_screen(found, None).startswith("verdict")


def test_rows_of_one_function_say_what_tells_them_apart() -> None:
    by_caller = CACHED | {"subject": f"{LOOKUP} (sync) from {THROUGH}", "calling_function": THROUGH}
    rows = on_screen(findings(CACHED, by_caller), None).splitlines()[2:]
    assert [row.split("  ")[1] for row in rows] == [f"{LOOKUP} (sync)", f"{LOOKUP} (sync) from {THROUGH}"]
    assert f"`{LOOKUP} (sync) from {THROUGH}`" in write(a_judgement(**by_caller), "md")
    narrow = on_screen(findings(CACHED, by_caller), 50)
    assert [line for line in narrow.splitlines() if line.startswith("regressed")] == [
        "regressed  cache.(*Prices).Lookup (sync)",
        "regressed  …ices).Lookup (sync) from …).placeOrder",
    ]
    [alone] = on_screen(findings(CACHED), None).splitlines()[2:]
    assert alone.split("  ")[1] == LOOKUP
