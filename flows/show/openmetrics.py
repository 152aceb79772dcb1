"""The newest figures and all verdicts as OpenMetrics 1.0 text, for Prometheus and its like.

Source: the OpenMetrics specification (prometheus/OpenMetrics). Gauges only; what is
not known has no sample.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TextIO

from tracemill.warehouse import queries

if TYPE_CHECKING:
    import duckdb

FILE = "tracemill.openmetrics"


# A metric family is a query: its columns are the labels, but for the last, which is the value.
_FAMILIES = {
    "tracemill_build": "A build, by its place in the sequence of builds.",
    "tracemill_value": "A judged series' figure at the newest build that has it.",
    "tracemill_expected_value": "What the series' figure was expected to be, by the builds before.",
    "tracemill_verdict_change_ratio": "A verdict: the figure over what it was before.",
    "tracemill_verdicts": "How many verdicts of a status a build made certain.",
}


def write_openmetrics(connection: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    """All families, and the end mark."""
    for family, meaning in _FAMILIES.items():
        out.write(f"# TYPE {family} gauge\n# HELP {family} {meaning}\n")
        cursor = connection.execute(queries.text(f"openmetrics/{family}"))
        names = [str(d[0]) for d in cursor.description or ()][:-1]
        for *labels, value in cursor.fetchall():
            if value is not None and math.isfinite(value):
                listed = ",".join(
                    f'{n}="{_escaped(str(v))}"' for n, v in zip(names, labels, strict=True) if v is not None
                )
                out.write(f"{family}{{{listed}}} {float(value)!r}\n")
    out.write("# EOF\n")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
