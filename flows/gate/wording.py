"""What every format says of a judgement, in the same words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.gate.comparability import in_words
from tracemill.flows.gate.judgement import OPEN
from tracemill.flows.gate.suspected import in_short
from tracemill.flows.show.coverage import by_reason, most_of
from tracemill.flows.show.units import amount, amounts, factor
from tracemill.flows.show.verdicts import change
from tracemill.warehouse.schema.metrics import is_sampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracemill.flows.gate.judgement import Doubled, Finding, Judgement, NotCompared

# So many of the other verdicts of an incident are named.
_MOST_OTHERS = 2
HEADINGS = ("verdict", "function", "metric", "before → after", "change", "where")


def headline(judgement: Judgement) -> str:
    """The verdict in one line."""
    parts = [_count(len(judgement.regressed), "regression")] if judgement.regressed else []
    parts += [f"{len(judgement.open)} open from earlier builds"] if judgement.open else []
    return f"{judgement.candidate} {judgement.word}" + (f": {', '.join(parts)}" if parts else "")


def sentences(judgement: Judgement) -> list[str]:
    """What was judged, what not, and why."""
    return [
        *(f"could not judge: {doubt}" for doubt in judgement.doubts),
        *coverage(judgement),
        *(
            f"accepted by {f.accepted_by}: {f.metric} of {f.subject}: {f.accepted_reason}"
            for f in judgement.accepted
        ),
        *(f"allowed: {f.metric} of {f.subject}, a new leak" for f in judgement.allowed),
    ]


def coverage(judgement: Judgement) -> list[str]:
    """How much was judged against what, and what was not."""
    judged = judgement.judged
    parts = judged_against(judgement)
    parts += [f"compared: {sentence}" for sentence in judgement.comparison]
    parts += [f"note: {sentence}" for sentence in judgement.conditions]
    if judgement.ignored:
        parts.append("compared across " + in_words(judgement.ignored))
    if judged:
        parts.append(f"judged: {most_of(judged)}")
    parts += [f"certain from this build on: {sentence}" for sentence in judgement.joined]
    parts += _doubled(judgement.doubled)
    parts += [f"may have got worse: {change}" for change in in_short(judgement.suspected)]
    parts += [f"not read: {file}" for file in judgement.unread]
    unjudged = by_reason((u.metric, u.series_count, u.why) for u in judgement.unjudged)
    return parts + [f"not judged: {text}" for text in unjudged]


def judged_against(judgement: Judgement) -> list[str]:
    """How many series were judged against which builds, what was not looked at, and what does not compare."""
    if _is_alone(judgement):
        parts = ["judged nothing against earlier builds, of which none compares with it"]
        # How high its figures would be under the earlier conditions nobody knows.
        parts += (
            [] if judgement.open else ["not looked at: whether regressions of earlier builds still stand"]
        )
    else:
        parts = [
            f"judged {_count(sum(judgement.judged.values()), 'series', 'series')} of "
            f"{_count(len(judgement.judged), 'metric')} against {_against(judgement)}"
        ]
    if judgement.not_compared:
        parts.append("not compared: " + ", ".join(map(_apart, judgement.not_compared)))
    return parts


def _doubled(doubled: Sequence[Doubled]) -> list[str]:
    """In how many series it would be told that they are twice as bad, and of which metrics it would not."""
    if not doubled:
        return []
    _, *told = zip(*doubled, strict=True)
    at_once, hinted, lasting, hidden = map(sum, told)
    every = _count(at_once + hinted + lasting + hidden, "series", "series")
    parts = [
        f"{at_once} of {every} that cost more than next to nothing would fail at once",
        *([f"{hinted} be a hint at first"] if hinted else []),
        *([f"{lasting} fail once up to four builds show it"] if lasting else []),
    ]
    if hidden:
        named = most_of({d.metric: d.hidden for d in doubled if d.hidden})
        parts.append(f"{hidden} not be told from how builds differ anyway: {named}")
    return [f"twice as bad: {', '.join(parts)}"]


def _apart(builds: NotCompared) -> str:
    """Builds that do not compare, and why."""
    if builds.build_count is None:
        which = f"what is before {builds.build_id}"
    elif builds.build_count == 1:
        which = builds.build_id
    else:
        which = f"{builds.build_count} builds from {builds.build_id} to {builds.last_build_id}"
    return f"{which} ({', '.join(builds.conditions)})"


def _is_alone(judgement: Judgement) -> bool:
    """Whether there are series and builds before, and none of them compares."""
    compared = judgement.compared
    is_alone = compared is not None and not compared.most and compared.alone_count > 0
    return is_alone and bool(judgement.baseline)


def _against(judgement: Judgement) -> str:
    """The earlier builds, or of a history those that the series really compare with."""
    builds, compared = judgement.baseline, judgement.compared
    if judgement.no_baseline or not builds:
        return f"nothing: {judgement.no_baseline or 'there is no build before'}"
    if compared is None or judgement.is_baseline_chosen or not (compared.most or compared.alone_count):
        listed = ", ".join(builds) if judgement.is_baseline_chosen or len(builds) < 3 else ""
        return f"{_count(len(builds), 'build')}: {listed or f'{builds[0]} to {builds[-1]}'}"
    first, last = compared.first_build_id, compared.last_build_id
    fewest = f"{compared.fewest} to " if compared.fewest < compared.most else ""
    named = f"{first} to {last}" if compared.most > 2 else ", ".join(dict.fromkeys([str(first), str(last)]))
    return f"{fewest}{_count(compared.most, 'build')}: {named}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def rows(findings: Sequence[Finding]) -> list[list[str]]:
    """The findings under HEADINGS: by function or, if it has several of one metric, what tells them apart."""
    count = Counter((f.function, f.metric) for f in findings)
    return [_row(f, is_alone=count[f.function, f.metric] == 1) for f in findings]


def _row(finding: Finding, *, is_alone: bool) -> list[str]:
    was = f" (was {finding.moved_from})" if finding.moved_from else ""
    was += f" (now {finding.moved_to})" if finding.moved_to else ""
    is_named = finding.function and is_alone and not finding.calling_function
    return [
        "accepted" if finding.accepted_by else finding.status + since(finding),
        (finding.function if finding.function and is_named else finding.subject) + was,
        finding.metric,
        amounts(finding.before, finding.after, finding.unit),
        change(finding) + (f", as before {finding.as_before_build_id}" if finding.as_before_build_id else ""),
        f"{place(finding)}:{finding.line}" if finding.file else "",
    ]


def since(finding: Finding) -> str:
    """Where it begins, if at an earlier build."""
    is_earlier = finding.status == OPEN or finding.first_build_id != finding.build_id
    return f" since {finding.first_build_id}" if is_earlier else ""


def facts(finding: Finding) -> list[str]:
    """What the verdict rests on."""
    parts = []
    if start := since(finding):
        commit = f", commit {finding.commit}" if finding.commit else ""
        parts.append(f"{finding.status}{start}{commit}; known from {finding.build_id} on")
    if finding.moved_from:
        parts.append(f"was {finding.moved_from}")
    if finding.moved_to:
        parts.append(f"now {finding.moved_to}")
    if finding.expected_interval:
        low, high = (amount(bound, finding.unit) for bound in finding.expected_interval)
        parts.append(f"expected {low} to {high} (95 %)")
    if finding.q_value is not None:
        parts.append(f"p = {finding.p_value:.1e}, q = {finding.q_value:.1e}")
    if finding.evidence:
        parts.append(finding.evidence)
    if finding.call_path:
        parts.append(f"called through {finding.call_path}")
    if others := with_it(finding):
        parts.append(f"with it {others}")
    return parts


def with_it(finding: Finding) -> str:
    """The other verdicts of its incident, some by name, those of other functions first; or nothing."""
    own = f" of {finding.function}"
    others = sorted(finding.members or [], key=lambda member: bool(finding.function) and own in member)
    more = f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
    return ", ".join(others[:_MOST_OTHERS]) + more


def message(finding: Finding) -> str:
    """A finding in one sentence."""
    parts = "; ".join(facts(finding))
    what = f"{finding.metric} of {finding.subject}: {amounts(finding.before, finding.after, finding.unit)}"
    much = factor(finding.change_ratio, finding.before, is_sample=is_sampled(finding.metric))
    return f"{what} ({much}) at {finding.first_build_id}; {parts}"


def place(finding: Finding) -> str:
    """The file, from where the gate runs if it lies there."""
    path = Path(finding.file or "")
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()
