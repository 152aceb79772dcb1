"""What the tests of the gate share."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from tests.models.given import Given
from tracemill.flows.cli import main
from tracemill.flows.gate.judge import judge
from tracemill.flows.gate.judgement import Judgement

TOP = Path(__file__).parents[2]
LOOKUP = "storefront/internal/cache.(*Prices).Lookup"
QUOTE = "storefront/internal/pricing.(*Prices).Quote"
ACCEPT = ("accept", "--build", "b08", "--metric", "block_ns", "--subject", LOOKUP)


def tracemill(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def judged(given: Given, candidate: str, *metrics: str) -> Judgement:
    with given.models() as connection:
        return judge(connection, candidate, metrics)


def branched(folder: Path) -> Path:
    """The warehouse of four builds of main, a branch with the leak, and a later build of main without it."""
    arrivals = {"b01": "b01", "b02": "b02", "b03": "b03", "b04": "b04", "branch": "b05", "later": "b04"}
    for day, (build, recorded) in enumerate(arrivals.items(), 1):
        shutil.copytree(TOP / "examples/artifacts" / recorded, folder / "a" / build)
        manifest = {"id": build, "committed_at": f"2026-01-0{day}T00:00:00Z"}
        (folder / "a" / build / "build.json").write_text(json.dumps(manifest))
    assert tracemill("run", folder / "a", "--warehouse", folder / "w").exit_code == 0
    return folder / "w"
