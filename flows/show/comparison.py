"""A comparison of two builds for a terminal, 80 columns wide."""

from __future__ import annotations

import statistics
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from tracemill.flows.gate.compare import (
    BETTER,
    COUNT,
    EQUAL,
    MOST_ADVISED,
    SAME,
    TOOLCHAIN,
    UNKNOWN,
    WORSE,
    advice,
    is_of_another,
    noise,
)
from tracemill.flows.show.terminal import visible
from tracemill.flows.show.units import amounts, factor
from tracemill.warehouse.compared import FALSE_SHARE, SUSPECTED_SHARE
from tracemill.warehouse.schema.metrics import is_sampled

if TYPE_CHECKING:
    from tracemill.flows.gate.compare import Comparison, Series

WIDTH = 80
MOST_ROWS = 20
# Of what cannot be told so many are named, those that chance alone explains worst.
MOST_LIKELY = 3
# Answers line up.
_INDENT = 8


def as_text(found: Comparison, before: str, after: str) -> str:
    """What differs, worst first; how many do not or cannot be told, and why; what was not compared."""
    lines = [*_wrapped(f"{before} → {after}: {_headline(found)}"), ""]
    differing = found.of(WORSE, BETTER, TOOLCHAIN)
    shown = [s for s in differing if not is_of_another(s, differing)]
    lines += [line for s in shown[:MOST_ROWS] for line in _row(s)]
    if rest := len(differing) - len(shown[:MOST_ROWS]):
        lines += [f"and {_series(rest)} more that differ, by caller or less; --json has all"]
    lines += [""] if differing else []
    lines += _toolchain(found)
    if counted := [s for s in differing if s.test == COUNT]:
        lines += _wrapped(
            f"{_series(len(counted))} {_verb(len(counted), 'are')} told by a single run, as counts without "
            "noise: sizes of code, or what all repeats of a benchmark agree on."
        )
    lines += _untold(found)
    if same := found.of(SAME):
        lines += _wrapped(
            f"{_series(len(same))} {_verb(len(same), 'do')} not differ by more than {found.at_least:g} %."
        )
    if equal := found.of(EQUAL):
        metrics = Counter(s.metric for s in equal)
        named = ", ".join(f"{metric} ({count})" for metric, count in metrics.most_common())
        lines += _wrapped(
            f"{_series(len(equal))} {_verb(len(equal), 'are')} the same to the last digit: {named}."
        )
    lines += [
        line
        for why, count in found.apart.most_common()
        for line in _wrapped(f"not compared: {count} of {why}")
    ]
    said = [noise(run) for run in found.noisy] + [f"{side}: {f.reason}" for side, f in found.failures]
    lines += [line for text in said for line in _wrapped(visible(text))]
    if any(s.test == "Student" for s in differing):
        lines += _wrapped(
            f"With so few {_kind(found.series)} the exact test's p is at least {found.least_p:.2g}, "
            f"too much for {_series(len(found.series))}: q is of Student's t, and the exact test agrees "
            "as far as it can."
        )
    return "\n".join(lines) + "\n"


def _kind(series: list[Series]) -> str:
    return "pairs" if any(s.pairs for s in series) else "runs"


def _headline(found: Comparison) -> str:
    counts = [
        (len(found.of(WORSE)), "worse"),
        (len(found.of(BETTER)), "better"),
        (len(found.of(TOOLCHAIN)), "changed by the toolchain"),
    ]
    said = ", ".join(f"{n} {word}" for n, word in counts if n)
    if said:
        is_by_count = {s.test == COUNT for s in found.of(WORSE, BETTER, TOOLCHAIN)}
        sure = [f"q ≤ {FALSE_SHARE:g}"] * (False in is_by_count) + ["counted"] * (True in is_by_count)
        return f"{said} ({' or '.join(sure)})"
    if found.is_told:
        return "nothing differs that can be told"
    untold = found.of(UNKNOWN)
    if untold and all(s.runs_before == s.runs_after == 1 for s in untold):
        return "nothing could be told: each side has a single run"
    # Below it stands how many more runs would tell.
    yet = " yet" if any(s.more_runs and s.more_runs <= MOST_ADVISED for s in untold) else ""
    return f"nothing could be told{yet}{' of what varies' if found.of(EQUAL) else ''}"


def _toolchain(found: Comparison) -> list[str]:
    """Which release of Go it was and is, and what is known of what differs or could not be compared."""
    if found.toolchain is None:
        return []
    is_only = found.toolchain.is_only
    metrics = list(dict.fromkeys(s.metric for s in found.of(TOOLCHAIN))) if is_only else None
    return [*_wrapped(found.toolchain.sentence(metrics)), ""]


def _untold(found: Comparison) -> list[str]:
    """What cannot be told, and how many more runs would tell."""
    untold = found.of(UNKNOWN)
    single = [s for s in untold if s.is_single]
    lines: list[str] = []
    if single:
        known = "; the intervals are of sampling alone" if any(s.interval for s in single) else ""
        if any(s.metric.startswith("bench ") for s in single):
            known += "; --format benchstat takes every repeat for a measurement"
        lines += _wrapped(
            f"{_series(len(single))} cannot be told, of which a side has one run: a single run cannot tell a "
            f"change from noise between runs{known}."
        )
        if not found.is_told:
            lines += ["", *(line for s in single[:MOST_ROWS] for line in _row(s))]
            if len(single) > MOST_ROWS:
                lines.append(f"and {_series(len(single) - MOST_ROWS)} more; --json has all")
            lines.append("")
    if rest := [s for s in untold if not s.is_single]:
        kind = "pairs" if _kind(rest) == "pairs" else "runs a side"
        text = (
            f"{_series(len(rest))} cannot be told from noise with {_runs(rest)} {kind}{advice(rest, kind)}."
        )
        lines += _wrapped(text) + _likely(rest, kind, found.at_least)
    return lines


def _likely(untold: list[Series], kind: str, at_least: float) -> list[str]:
    """The first of those that look changed by themselves, and how many look so by chance."""
    likely = [
        s for s in untold if s.p_value is not None and s.p_value <= SUSPECTED_SHARE and s.changes_by(at_least)
    ]
    if not likely:
        return []
    likely.sort(key=lambda s: (s.q_value, s.p_value, s.key))
    named = likely[:MOST_LIKELY]
    chance = round(SUSPECTED_SHARE * len(untold))
    by_chance = f"up to {chance}" if chance else "fewer than 1"
    lines = _wrapped(
        f"Of these {len(likely)} look{'s' * (len(likely) == 1)} changed (p ≤ {SUSPECTED_SHARE:g}), as "
        f"{by_chance} would by chance{'; first' if len(likely) > len(named) else ''}:"
    )
    for s in named:
        lines += _row(s, advice([s], kind))
    return lines


def _runs(series: list[Series]) -> str:
    return f"{statistics.median(min(s.runs_before, s.runs_after) for s in series):g}"


def _row(s: Series, ending: str = "") -> list[str]:
    """Answer, ratio with its interval, metric and cost; below it the subject."""
    word = s.answer if s.answer in (WORSE, BETTER) else "changed" if s.answer == TOOLCHAIN else ""
    q = f", q = {s.q_value:.1g}" if s.q_value is not None else ""
    if s.ratio and s.interval:
        low, high = s.interval
        ratio = f"×{s.ratio:.3g} ({low:.3g} to {high:.3g})"
    else:
        ratio = factor(s.ratio, s.before, is_sample=is_sampled(s.metric))
    head = f"{word:<{_INDENT}}{ratio}  {s.metric}  {amounts(s.before, s.after, s.unit)}{q}{ending}"
    subject = visible(s.subject)
    room = WIDTH - _INDENT
    subject = subject if len(subject) <= room else f"…{subject[1 - room :]}"
    return [*_wrapped(visible(head), " " * _INDENT), " " * _INDENT + subject]


def _series(count: int) -> str:
    return f"{count} series"


def _verb(count: int, many: str) -> str:
    return {"do": "does", "are": "is"}[many] if count == 1 else many


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]
