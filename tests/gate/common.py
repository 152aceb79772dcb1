"""What the tests of the gate share."""

from __future__ import annotations

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
