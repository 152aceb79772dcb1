"""What may have got worse at a build: too likely to be noise for a verdict, too unlikely to go unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.flows.show.verdict_table import amount

if TYPE_CHECKING:
    import duckdb


def hints(connection: duckdb.DuckDBPyConnection, build_id: str, metrics: tuple[str, ...]) -> list[str]:
    """Sentences, the surest first: of the build's own figures, and of the last build's look back."""
    rows = connection.execute(
        """
        select h.metric, h.subject, h.unit, h.expected, h.value, h.q_value, null as since
        from regression_history as h
        cross join detection_rules as rules
        anti join regressions using (build_id, metric, subject)
        where h.build_id = $build_id
            and (len($metrics) = 0 or list_contains($metrics, h.metric))
            and h.q_value <= rules.suspected_share
            and h.polarity * h.log_change >= ln(1 + rules.least_ratio)
            and not h.is_change
        union all
        select h.metric, h.subject, h.unit, h.change_before, h.change_after, h.change_q_value, h.build_id
        from regression_history as h
        where h.may_change
            and (select arg_max(build_id, ordinal) from builds) = $build_id
            and (len($metrics) = 0 or list_contains($metrics, h.metric))
            and h.polarity * h.change_log_ratio > 0
        order by 6, 1, 2
        """,
        {"build_id": build_id, "metrics": list(metrics)},
    ).fetchall()
    return [
        f"{metric} of {subject}: {amount(before, unit)} → {amount(after, unit)}"
        f"{f' since {since}' if since else ''} (q = {q:.1g})"
        for metric, subject, unit, before, after, q, since in rows
    ]
