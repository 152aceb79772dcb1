"""The newest figures and all verdicts as OpenMetrics 1.0 text, for Prometheus and its like.

Source: the OpenMetrics specification (prometheus/OpenMetrics). Gauges only; what is
not known has no sample.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    import duckdb

FILE = "tracemill.openmetrics"


class _Family(NamedTuple):
    """A metric family: the query's columns are its labels, but for the last, which is the value."""

    name: str
    text: str
    query: str


_FAMILIES = (
    _Family(
        "tracemill_build",
        "A build, by its place in the sequence of builds.",
        "select build_id, commit, branch, go_version, ordinal from builds order by ordinal",
    ),
    _Family(
        "tracemill_value",
        "A judged series' figure at the newest build that has it.",
        """
        select metric, subject, unit, build_id, value from regression_history
        qualify row_number() over (partition by metric, first_subject order by ordinal desc) = 1
        order by metric, subject
        """,
    ),
    _Family(
        "tracemill_expected_value",
        "What the series' figure was expected to be, by the builds before.",
        """
        select metric, subject, unit, build_id, expected from regression_history
        qualify row_number() over (partition by metric, first_subject order by ordinal desc) = 1
        order by metric, subject
        """,
    ),
    _Family(
        "tracemill_verdict_change_ratio",
        "A verdict: the figure over what it was before.",
        """
        select build_id, metric, subject, status, (accepted_by is not null)::varchar as is_accepted,
            change_ratio
        from regressions left join accepted_regressions using (build_id, metric, subject)
        join builds using (build_id)
        order by ordinal, metric, subject
        """,
    ),
    _Family(
        "tracemill_verdicts",
        "How many verdicts of a status begin at a build.",
        "select build_id, status, count(*) from regressions join builds using (build_id) "
        "group by build_id, status, ordinal order by ordinal, status",
    ),
)


def write_openmetrics(connection: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    """All families, and the end mark."""
    for family in _FAMILIES:
        out.write(f"# TYPE {family.name} gauge\n# HELP {family.name} {family.text}\n")
        cursor = connection.execute(family.query)
        names = [str(d[0]) for d in cursor.description or ()][:-1]
        for *labels, value in cursor.fetchall():
            if value is not None and math.isfinite(value):
                listed = ",".join(
                    f'{n}="{_escaped(str(v))}"' for n, v in zip(names, labels, strict=True) if v is not None
                )
                out.write(f"{family.name}{{{listed}}} {float(value)!r}\n")
    out.write("# EOF\n")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
