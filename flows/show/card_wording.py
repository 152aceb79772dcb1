"""An incident in plain English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.flows.show.units import amount, amounts, cost_of_move
from tracemill.warehouse.schema.metrics import is_sampled
from tracemill.warehouse.schema.showing import (
    BENCH,
    DEGREES,
    PER_OPERATION,
    SAMPLED_BEGIN,
    SAMPLED_DEGREES,
    SAMPLED_END,
    SENTENCES,
    Degree,
)

if TYPE_CHECKING:
    from tracemill.flows.show.card_incident import Incident

# From this factor on "3 times as long" reads better than "200 % longer".
LEAST_TIMES = 2
COMMIT_DIGITS = 7
LONGEST_NAME = 250
# The path of a package, of a function or of the one that calls it; a task's /order has none, and what follows
# the name of a benchmark, route.Lookup/param, is of a benchmark within it.
_PATH = re.compile(r"(?:^|(?<= from ))(?![A-Z])(?:(?![^\s/\[(]*\.[A-Z_])[^\s/\[(]+/)+")


def short_name(name: str | None) -> str:
    """Functions without the path of their package: storefront/internal/cache.Get → cache.Get.

    Of an endless name, as generated code or a damaged file may have it, the end.
    """
    short = _PATH.sub("", (name or "")[-10 * LONGEST_NAME :])
    return short if len(short) <= LONGEST_NAME else "…" + short[1 - LONGEST_NAME :]


def sentence(incident: Incident) -> str:
    """What happened, without the build: goroutines wait 17.8 times as long in cache.(*Prices).Lookup."""
    name = short_name(incident.function or incident.subject)
    if incident.calling_function:
        caller = short_name(incident.calling_function)
        is_below = incident.metric.startswith(PER_OPERATION)
        name += f" below {caller}" if is_below else f" as {caller} calls it"
    if incident.status == "moved":
        cost = cost_of_move(incident.change_ratio, "whether the cost is the same cannot be told")
        return f"{name} was {short_name(incident.moved_from)}: moved, {cost}"
    template = SENTENCES.get(incident.metric)
    if template is None and incident.metric.startswith(BENCH):
        template = f"Benchmark {{x}}: {incident.metric.removeprefix(BENCH)} is {{high}}"
    degrees = SAMPLED_DEGREES if is_sampled(incident.metric) else DEGREES
    words = {word: _compared(incident, degree) for word, degree in degrees.items()}
    said = _filled(
        template or f"{incident.metric} of {{x}} is {{high}}",
        {"x": name, "n": f"{incident.after or 0:.4g}"} | words,
    )
    if is_sampled(incident.metric) and not (incident.before and incident.after):
        # Where the words say nothing there are two spaces.
        said = re.sub(" {2,}", " ", said).rstrip() + (SAMPLED_END if incident.before else SAMPLED_BEGIN)
    endings = {
        "cost_shift": ", moved from elsewhere in its caller",
        "not_comparable": ", where builds do not compare",
    }
    return said + endings.get(incident.status, "")


def _filled(template: str, values: dict[str, str]) -> str:
    """Names are put in last and whole: one may have braces in it."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), template)


def _compared(incident: Incident, degree: Degree) -> str:
    ratio = incident.change_ratio
    if not incident.before or ratio is None:
        return degree.begins
    if not incident.after:
        return degree.ends
    if ratio >= LEAST_TIMES:
        return f"{ratio:.3g} times {degree.equal}"
    if ratio >= 1:
        return f"{(ratio - 1) * 100:.0f} % {degree.more}"
    return f"{(1 - ratio) * 100:.{0 if ratio > 0.1 else 1}f} % {degree.less}"  # fmt: skip


def headline(incident: Incident) -> str:
    """The sentence with the build at which it happened."""
    return f"{incident.seen_build_id}: {sentence(incident)}"


def facts(incident: Incident, runs_before: int) -> list[str]:
    """What stands behind the sentence, the figures first."""
    found = [amounts(incident.before, incident.after, incident.unit)]
    if incident.expected_interval and incident.status != "moved":
        low, high = incident.expected_interval
        base = (incident.unit or "").partition("/")[0]
        found.append(f"expected {amount(low, base)} to {amount(high, base)}")
    if incident.q_value is not None and incident.status != "moved":
        over = (
            f" over {_count(incident.n_before, 'build')}, {_count(runs_before, 'run')}" if runs_before else ""
        )
        found.append(f"q = {incident.q_value:.0e}{over}")
    if incident.build_id != incident.seen_build_id:
        found.append(f"certain since {incident.build_id}")
    if incident.as_before_build_id:
        found.append(f"as it was before {incident.as_before_build_id}")
    found.append(standing(incident))
    return [fact for fact in found if fact]


def standing(incident: Incident) -> str:
    """Whether a regression is over."""
    if incident.accepted_by:
        return f"accepted by {incident.accepted_by}: {incident.accepted_reason}"
    if incident.ended_build_id:
        return f"ended with {incident.ended_build_id}"
    return "still open" if incident.status == "regressed" else ""


def commit(incident: Incident) -> str:
    """The commit, as it is usually cut."""
    return (incident.commit or "")[:COMMIT_DIGITS]


def _count(number: int | None, one: str) -> str:
    return f"{number or 0} {one}{'' if number == 1 else 's'}"
