"""The report: one HTML page that asks nothing of the network and needs no JavaScript.

Names come from profiles and may be anything: all text goes through svg.text().
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tracemill.flows.show.chart import Mark, Point, chart, text
from tracemill.flows.show.export import replace_whole
from tracemill.flows.show.style import STYLE
from tracemill.flows.show.verdict_table import Verdict, amount, change, verdicts
from tracemill.flows.show.verdicts import Filter
from tracemill.warehouse import connect

if TYPE_CHECKING:
    import duckdb

REPORT_FILE = "report.html"
# The page stays one that a browser opens at once; the exports have all.
MAX_SERIES = 100


class Series(NamedTuple):
    """One series with verdicts; the newest name of its subject."""

    metric: str
    first_subject: str
    subject: str
    unit: str | None
    points: list[Point]
    verdicts: list[tuple[int, Verdict, str | None, str | None]]

    @property
    def is_standing(self) -> bool:
        """Whether the last change was for the worse, and nobody accepted it."""
        last = [v for _, v, *_ in self.verdicts if v.status in {"regressed", "improved"}]
        return bool(last) and last[-1].status == "regressed" and last[-1].accepted_by is None


def write_report(warehouse: Path, file: Path) -> None:
    """Write the page, whole or not at all. Raises WarehouseError, OSError."""
    with connect(warehouse) as connection:
        page = render(connection)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(file, lambda out: out.write(page.encode()))


def render(connection: duckdb.DuckDBPyConnection) -> str:
    """The page."""
    series = sorted(_series(connection), key=lambda s: (not s.is_standing, -s.verdicts[-1][0]))
    builds = connection.execute(
        "select build_id, commit, branch, committed_at, go_version, run_count, capture_count "
        "from builds order by ordinal"
    ).fetchall()
    failures = connection.execute("select build_id, path, message from load_failures order by all").fetchall()
    more = (
        f"<p>{len(series) - MAX_SERIES} more series are in the exports.</p>"
        if len(series) > MAX_SERIES
        else ""
    )
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; ',
            "style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Tracemill: what changed</title><style>{STYLE}</style></head><body><main>",
            _head(series, [str(b[0]) for b in builds]),
            *(_card(s) for s in series[:MAX_SERIES]),
            more,
            _table("Inputs that could not be loaded", ("build", "file", "why"), failures) if failures else "",
            _table("Builds", ("build", "commit", "branch", "committed", "Go", "runs", "captures"), builds),
            "</main></body></html>\n",
        )
    )


def _series(connection: duckdb.DuckDBPyConnection) -> list[Series]:
    """The series of all verdicts, with their points."""
    rows = connection.execute(
        """
        select h.metric, h.first_subject, h.subject, h.build_id, h.unit, h.value, h.run_count, h.expected,
            h.expected_interval,
        from regression_history as h
        semi join (
            select metric, first_subject from regression_history
            semi join regressions using (build_id, metric, subject)
        ) using (metric, first_subject)
        order by metric, first_subject, ordinal
        """
    ).fetchall()
    details = {
        (row[0], row[1], row[2]): (row[3], row[4])
        for row in connection.execute(
            "select build_id, metric, subject, call_path, evidence from regressions"
        ).fetchall()
    }
    found = {(v.build_id, v.metric, v.full_subject): v for v in verdicts(connection, Filter())}
    grouped: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        grouped.setdefault((row[0], row[1]), []).append(row)
    return [_one_series(key, group, found, details) for key, group in grouped.items()]


def _one_series(
    key: tuple[str, str],
    rows: list[tuple[Any, ...]],
    found: dict[tuple[str, str, str], Verdict],
    details: dict[tuple[str, str, str], tuple[str | None, str | None]],
) -> Series:
    points, judged = [], []
    for i, (metric, _, subject, build_id, _, value, runs, expected, bounds) in enumerate(rows):
        low, high = bounds or (None, None)
        points.append(Point(build_id, value, expected, low, high, runs))
        name = (str(build_id), str(metric), str(subject))
        if name in found:
            judged.append((i, found[name], *details[name]))
    subject, unit = rows[-1][2], rows[-1][4]
    return Series(*key, str(subject), None if unit is None else str(unit), points, judged)


def _head(series: list[Series], builds: list[str]) -> str:
    counts = dict.fromkeys(("regressed", "improved", "moved"), 0)
    for one in series:
        for _, verdict, *_ in one.verdicts:
            counts[verdict.status] = counts.get(verdict.status, 0) + 1
    standing = sum(s.is_standing for s in series)
    tiles = [("standing", standing, "regressions that still stand")]
    tiles += [(status, count, status) for status, count in counts.items()]
    span = f"{builds[0]} to {builds[-1]}" if builds else "none yet"
    tiles.append(("", len(builds), f"builds, {span}"))
    shown = "".join(
        f'<li class="tile {text(kind if n else "")}"><b>{n}</b> {text(word)}</li>' for kind, n, word in tiles
    )
    calm = "" if series else "<p>No regressions, no improvements.</p>"
    return (
        f"<header><h1>What changed</h1><p>Shaded: what the builds before let expect (95 %). "
        f'Dashed: where a verdict begins.</p><ul class="tiles">{shown}</ul>{calm}</header>'
    )


def _card(series: Series) -> str:
    marks = [Mark(i, v.status, "moved" if v.status == "moved" else change(v)) for i, v, *_ in series.verdicts]
    badge = '<span class="badge regressed">stands</span>' if series.is_standing else ""
    said = "".join(_verdict(v, path, evidence) for _, v, path, evidence in series.verdicts)
    columns = ("build", "value", "expected", "from", "to", "runs")
    rows = [
        (p.build_id, *(amount(v, series.unit) if v is not None else "" for v in p[1:5]), p.run_count)
        for p in series.points
    ]
    return (
        f'<article><h2><code>{text(series.subject)}</code>{badge}</h2><p class="metric">{text(series.metric)}'
        f"{', ' + text(series.unit) if series.unit else ''}</p>{chart(series.points, marks, series.unit)}"
        f"<dl>{said}</dl><details><summary>The series, and the SQL that shows it</summary>"
        f"<pre>{text(series.verdicts[-1][1].query)}</pre>{_rows(columns, rows)}</details></article>"
    )


def _verdict(verdict: Verdict, call_path: str | None, evidence: str | None) -> str:
    moved = f" (was <code>{text(verdict.moved_from)}</code>)" if verdict.moved_from else ""
    is_sure = verdict.q_value is not None and verdict.status != "moved"
    facts = [f"q = {verdict.q_value:.0e}" if is_sure else None, evidence]
    if verdict.accepted_by:
        facts.insert(0, f"accepted by {verdict.accepted_by}: {verdict.accepted_reason}")
    path = f"<div class=path>{text(call_path)}</div>" if call_path else ""
    badge = text(f"{verdict.build_id} {verdict.status}")
    return (
        f'<dt><span class="badge {text(verdict.status)}">{badge}</span> '
        f"{text(amount(verdict.before, verdict.unit))} → {text(amount(verdict.after, verdict.unit))}, "
        f"{text(change(verdict))}{moved}</dt><dd>{'; '.join(text(f) for f in facts if f)}{path}</dd>"
    )


def _table(title: str, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    return f"<section><h2>{text(title)}</h2>{_rows(names, rows)}</section>"


def _rows(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{text(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{text('' if v is None else v)}</td>" for v in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
