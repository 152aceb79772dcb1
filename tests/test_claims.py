"""The main job over the claims lab: every claim has its verdict, and docs/claims.md says the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs.claims import ARTIFACTS, PAGE, filled
from tracemill.flows.run import run
from tracemill.warehouse import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

RECORDER = ARTIFACTS.parent / "record.py"
REFUTED = {
    "bench-2-allocs",
    "iface-deep-copy",
    "iface-loses-header",
    "iface-since-1-10",
    "pass-pointer",
    "shared-iface-bloat",
    "trace-spin",
}
HOLDS = {"four-steps", "iface-pointer-only", "mapref", "serialisers", "trace-mallocgc"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse after the main job."""
    top = tmp_path_factory.mktemp("claims")
    ran = run([ARTIFACTS], top / "warehouse", top / "exports")
    assert not ran.ingested.failures
    assert not ran.published.failed_checks
    with connect(top / "warehouse") as connection:
        yield connection


def verdicts(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Claim → Go version without patch → verdict."""
    found: dict[str, dict[str, str]] = {}
    query = "select claim_id, regexp_extract(go_version, '\\d+\\.\\d+'), verdict from claim_measurements"
    for claim, version, verdict in connection.execute(query).fetchall():
        found.setdefault(claim, {})[version] = verdict
    return found


@pytest.mark.full
def test_every_claim_has_a_verdict_of_three_versions(lab):
    missing = "select claim_id from claims where verdict is null or len(map_keys(verdicts)) < 3"
    assert lab.execute(missing).fetchall() == []
    assert {v for by_version in verdicts(lab).values() for v in by_version.values()} == {
        "holds",
        "refuted",
        "partly",
    }


def test_verdicts_are_those_that_were_found(lab):
    found = {claim: by_version["1.27"] for claim, by_version in verdicts(lab).items()}
    assert {claim for claim, verdict in found.items() if verdict == "refuted"} == REFUTED
    assert {claim for claim, verdict in found.items() if verdict == "holds"} == HOLDS


def test_newer_versions_overturned_two_verdicts(lab):
    changed = {c: v for c, v in verdicts(lab).items() if len(set(v.values())) > 1}
    assert changed == {
        "grow-allocates": {"1.22": "holds", "1.25": "partly", "1.27": "partly"},
        "fmt-copies": {"1.22": "holds", "1.25": "holds", "1.27": "partly"},
    }


def test_a_list_grows_evenly_where_a_map_grows_in_bursts(lab):
    query = "select max(value) from claim_figures where figure = 'list share of the busiest tenth'"
    assert lab.execute(query).fetchall()[0][0] < 0.3


def test_other_versions_of_go_raise_no_alarm(lab):
    assert lab.execute("from regressions").fetchall() == []


def test_the_page_says_what_its_queries_give(lab):
    page = PAGE.read_text("utf-8")
    assert filled(page, lab) == page, "run `python -m docs.claims`"


@pytest.mark.full
def test_what_is_recorded_anew_says_the_same(lab, tmp_path: Path):
    command = [sys.executable, RECORDER, "--go", "1.27", "--runs", "1", "--out", tmp_path / "artifacts"]
    subprocess.run([*command, "--bench", "IfaceDeepCopy|PassPointer|SsaRule"], check=True)
    run([tmp_path / "artifacts"], tmp_path / "warehouse", tmp_path / "exports")
    with connect(tmp_path / "warehouse") as connection:
        found = {claim: by_version["1.27"] for claim, by_version in verdicts(connection).items()}
    expected = {claim: by_version["1.27"] for claim, by_version in verdicts(lab).items()}
    # Benchmarks that were left out leave no verdict; these have all that they need.
    judged = {claim: verdict for claim, verdict in found.items() if verdict}
    assert judged == {claim: expected[claim] for claim in judged}
    assert judged.keys() >= {
        "asm-makemap",
        "escape-hint",
        "four-steps",
        "iface-deep-copy",
        "pass-pointer",
        "reflect-mapassign-share",
        "ssa-rule",
        "trace-mallocgc",
        "trace-spin",
    }
