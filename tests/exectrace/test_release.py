"""A trace tells its format, which several releases of Go write, and never the release that wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.exectrace.reading import read
from tests.exectrace.record import VERSIONS
from tracemill.flows.cli import main
from tracemill.flows.show.inspect import as_text, inspect
from tracemill.warehouse.connection import connect

# Eight builds by Go 1.27.3, of which the last two say so in build.json; from b07 on a lock is held longer.
BUILDS = Path(__file__).parent / "samples" / "release"


def tracemill(*args: object):
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release") / "warehouse"
    assert tracemill("run", BUILDS, "--warehouse", folder).exit_code == 0
    return folder


@pytest.mark.parametrize("version", VERSIONS)
def test_a_trace_tells_its_format_and_no_release(samples, version):
    facts = read(samples[version]).facts
    assert facts.go_version is None
    written = {"1.24": "1.23", "1.27": "1.26"}.get(version, version)
    assert facts.labels == {"trace_format": f"go {written}"}


def test_inspect_shows_the_format_of_a_trace(samples):
    text = as_text(inspect(samples["1.27"]))
    assert "trace format  go 1.26\n" in text
    assert "Go  " not in text


@pytest.mark.full
def test_a_regression_is_judged_where_only_later_builds_tell_their_release(warehouse):
    with connect(warehouse) as connection:
        releases = connection.execute("select build_id, go_version from builds order by ordinal").fetchall()
        verdicts = connection.execute("select build_id, metric, status from regressions").fetchall()
    assert releases == [(f"b0{n}", "go1.27.3" if n > 6 else None) for n in range(1, 9)]
    assert verdicts == [("b07", "block_ns", "regressed")]


def test_the_gate_fails_the_build_that_regressed(warehouse):
    assert tracemill("gate", "--candidate", "b07", "--warehouse", warehouse).exit_code == 1


def test_doctor_names_the_builds_whose_release_nothing_tells(warehouse):
    text = tracemill("doctor", "--warehouse", warehouse).stdout
    assert "nothing tells the Go release of b01, b02, b03, b04, b05 and 1 more: " in text
