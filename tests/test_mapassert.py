"""The analyzer mapassert: its rules over a corpus and the standard library, its SARIF, the ranking."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from examples.claims import analyzer
from examples.claims.analyzer import GO, MODULE, NoXToolsError, go_command, mapassert, sarif_of_vet
from examples.toolchain import environment, go
from tests.sarif_shape import faults
from tracemill.flows.run import run
from tracemill.parsers import read
from tracemill.warehouse import connect

TOP = Path(__file__).parent.parent
PAGE = TOP / "docs/static-rules.md"
PROGRAM = Path(__file__).parent / "programs/formatted"
RECORDED = sorted((TOP / "examples/claims/artifacts").glob("*/rule.sarif"))


@pytest.fixture(scope="module")
def program() -> Path:
    """The analyzer; where its libraries cannot be had, the tests say that they did not run."""
    try:
        return mapassert()
    except NoXToolsError as error:
        pytest.skip(f"the analyzer was not built and its rules were not run: {error}")


def analyzed(program: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    """The SARIF that the analyzer writes of packages."""
    path = f"{go(GO).parent}:{environment()['PATH']}"
    done = subprocess.run(
        [program, "-sarif", *arguments],
        cwd=folder,
        env=environment() | {"PATH": path, "GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    log: dict[str, Any] = json.loads(done.stdout)
    assert faults(log) == []
    assert log["runs"][0]["invocations"] == [{"executionSuccessful": True}]
    return log


def places(log: dict[str, Any]) -> list[tuple[str, str, int]]:
    found = []
    for result in log["runs"][0]["results"]:
        at = result["locations"][0]["physicalLocation"]
        found.append((result["ruleId"], at["artifactLocation"]["uri"], at["region"]["startLine"]))
    return found


@pytest.mark.full
def test_the_sarif_writer_keeps_what_a_checker_prints():
    # The writer needs no library: this runs everywhere.
    done = subprocess.run(
        [go("1.27"), "test", "./sarif"],
        cwd=MODULE,
        env=environment() | {"GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_recorded_findings_are_sarif_with_one_unguarded_assertion(path):
    log = json.loads(path.read_text())
    assert faults(log) == []
    assert places(log) == [("mapassert", "assertions/assertions.go", 14)]


@pytest.mark.full
def test_without_the_libraries_it_is_said_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(analyzer.shutil, "which", lambda name: None)
    with pytest.raises(NoXToolsError, match="no apt-get here"):
        mapassert()


@pytest.mark.full
def test_precision_and_recall_over_the_corpus_are_those_of_the_page(program):
    printed = go_command("test", "-v", "-count=1", ".")
    scores = re.findall(
        r"^(\S.*?) +(\d+) snippets, (\d+) findings: precision (\S+) .* recall (\S+) ", printed, re.MULTILINE
    )
    assert [name for name, *_ in scores] == ["mapassert", "mapassert -strict", "hotformat"]
    for score in scores:
        assert "| " + " | ".join(score) + " |" in PAGE.read_text(), "docs/static-rules.md says otherwise"
    assert int(scores[0][1]) >= 60


@pytest.mark.full
def test_findings_in_the_standard_library_are_those_of_the_page(program):
    source = go(GO).parents[1] / "src"
    log = analyzed(program, source, "-test=false", "-mapassert.methods", "std")
    found = {f"{rule} {file}:{line}" for rule, file, line in places(log)}
    said = re.findall(r"^\| `(mapassert|hotformat)` \| `(\S+)` \|", PAGE.read_text(), re.MULTILINE)
    assert found == {" ".join(each) for each in said}


@pytest.mark.full
def test_vet_finds_what_the_analyzer_finds_by_itself(program, tmp_path):
    folder = Path(shutil.copytree(PROGRAM, tmp_path / "formatted"))
    vet = subprocess.run(
        [go(GO), "vet", f"-vettool={program}", "-json", "./..."],
        cwd=folder,
        env=environment() | {"GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    alone = analyzed(program, folder, "./...")
    assert json.loads(sarif_of_vet(vet.stdout + vet.stderr, folder)) == alone
    assert [rule for rule, _, _ in places(alone)] == ["hotformat", "hotformat", "mapassert"]


@pytest.mark.full
def test_loops_that_format_maps_are_ranked_by_the_bytes_that_were_sampled(program, tmp_path):
    folder = Path(shutil.copytree(PROGRAM, tmp_path / "formatted"))
    build = tmp_path / "artifacts/b1"
    (build / "r1").mkdir(parents=True)
    (build / "findings.sarif").write_text(json.dumps(analyzed(program, folder, "./...")))
    command = [go(GO), "run", ".", build / "r1/heap.pb.gz"]
    subprocess.run(command, cwd=folder, env=environment() | {"GOFLAGS": ""}, check=True)
    ran = run([tmp_path / "artifacts"], tmp_path / "w", tmp_path / "exports")
    assert not ran.ingested.failures
    query = """
        select message, alloc_under_bytes, alloc_bytes from static_findings_costs
        where rule = 'hotformat' order by alloc_under_bytes desc
    """
    with connect(tmp_path / "w") as connection:
        (hot, most, own), (cold, least, _) = connection.execute(query).fetchall()
    assert hot.startswith("hot passes the map map[string]int to fmt.Sprint")
    assert cold.startswith("cold passes the map map[string]int to encoding/json.Marshal")
    assert most > 100 * max(least, 1)
    assert most > own  # nearly all of it fmt allocated
    assert [row["rule"] for row in read(build / "findings.sarif")["static_findings"].to_pylist()] == [
        "hotformat",
        "hotformat",
        "mapassert",
    ]
