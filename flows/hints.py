"""What may have got worse at a build: too likely to be noise for a verdict, too unlikely to go unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.report import amount

if TYPE_CHECKING:
    import duckdb

# Of all series that are hinted at or claimed, at most this share is noise (q value); see Rules.false_share.
INFORM_SHARE = 0.05


def hints(connection: duckdb.DuckDBPyConnection, build_id: str, metrics: tuple[str, ...]) -> list[str]:
    """Sentences, the surest first."""
    rows = connection.execute(
        """
        select h.metric, h.subject, h.unit, h.expected, h.value, h.q_value
        from regression_history as h
        anti join regressions using (build_id, metric, subject)
        where h.build_id = $build_id
            and (len($metrics) = 0 or list_contains($metrics, h.metric))
            and h.q_value <= $share
            and h.polarity * h.log_change >= ln(1.02)
            and not h.is_change
        order by h.q_value, h.metric, h.subject
        """,
        {"build_id": build_id, "metrics": list(metrics), "share": INFORM_SHARE},
    ).fetchall()
    return [
        f"{metric} of {subject}: {amount(expected, unit)} → {amount(value, unit)} (q = {q:.1g})"
        for metric, subject, unit, expected, value, q in rows
    ]
