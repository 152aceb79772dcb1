"""A script for git bisect: it records the commit checked out with the user's command and has it judged.

By itself the script goes through the whole search, guided by the ranking: it tests where the suspicion is
halved, not the number of commits. `git bisect run sh FILE judge` does the same in git's own order. What is
judged is the incident's one series: a commit is good when its figure is nearer to the level before, bad when
nearer to that after.
"""

from __future__ import annotations

import math
import shlex
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemill.flows.show.units import amount

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.commits.answer import Answer
    from tracemill.flows.show.card_incident import Incident

GOOD, BAD, UNTESTED = 0, 1, 125
# So much of the suspicion is spread evenly: no ranking is so sure that the search may hang on it.
EVEN_SHARE = 0.1

_SCRIPT = """\
#!/bin/sh
# {headline}
# In a clean checkout: sh {name}            finds the commit, the most suspect first
#   or: git bisect start {bad} {good} && git bisect run sh {name} judge
# judge ends with 0 where the commit checked out is good, 1 where it is bad, 125 where it cannot be tested.
set -u
case "$0" in /*) me=$0 ;; *) me=$PWD/$0 ;; esac

judge() (
    out=$(mktemp -d) || exit 125
    trap 'rm -rf "$out"' EXIT
    for run in {runs}; do
        mkdir "$out/r$run" || exit 125
        TRACEMILL_OUT="$out/r$run" sh -c {command} || exit 125
    done
    {tracemill} commits {incident} --warehouse {warehouse} --judge "$out"
)

suspects() {{ cat <<'END'
{suspects}
END
}}

# Of the commits that are left the one at which the suspicion is halved.
next() {{
    git rev-list --topo-order --reverse refs/bisect/bad --not --glob='refs/bisect/good-*' >"$work/left"
    git for-each-ref --format='%(objectname)' 'refs/bisect/skip-*' >"$work/skipped"
    suspects >"$work/suspects"
    awk -v skipped="$work/skipped" -v suspects="$work/suspects" '
        BEGIN {{ while ((getline line < suspects) > 0) {{ split(line, f, " "); weight[f[1]] = f[2] }}
                while ((getline line < skipped) > 0) skip[line] = 1 }}
        {{ commit[NR] = $1; total += weight[$1] }}
        END {{ best = 2 * total + 1
              for (i = 1; i < NR; i++) {{
                  sum += weight[commit[i]]; off = sum - total / 2; if (off < 0) off = -off
                  if (off < best && !(commit[i] in skip)) {{ best = off; found = commit[i] }} }}
              print found }}' "$work/left"
}}

if [ "${{1:-}}" = judge ]; then judge; exit $?; fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
git bisect start --no-checkout {bad} {good} -- >"$work/said" || exit 1
while commit=$(next); [ -n "$commit" ]; do
    git checkout -q --detach "$commit" -- || exit 1
    sh "$me" judge
    case $? in 0) word=good ;; 1) word=bad ;; *) word=skip ;; esac
    echo "$word: $(git log -1 --format='%h %s' "$commit" --)"
    git bisect "$word" "$commit" >"$work/said" || break
done
git log -1 --format='the first bad commit: %H %s' refs/bisect/bad --
echo 'git bisect reset ends the search'
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the script is made of. command: the user's, for a shell; tracemill: how this program is called."""

    command: str
    runs: int
    warehouse: Path
    tracemill: str = "tracemill"


def script(answer: Answer, asked: Asked, name: str, headline: str) -> str:
    """The script's text; everything in it that came from elsewhere is quoted for the shell, or an id."""
    scores = [r.score for r in answer.ranked]
    whole = sum(scores) or 1.0
    even = EVEN_SHARE / max(len(scores), 1)
    weights = [even + (1 - EVEN_SHARE) * s / whole for s in scores]
    lines = [f"{r.commit.commit} {w:.6f}" for r, w in zip(answer.ranked, weights, strict=True)]
    return _SCRIPT.format(
        headline=" ".join(headline.split()),
        name=shlex.quote(name),
        good=answer.good,
        bad=answer.bad,
        runs=" ".join(str(n + 1) for n in range(asked.runs)),
        command=shlex.quote(asked.command),
        tracemill=asked.tracemill,
        incident=shlex.quote(answer.incident.incident_id),
        warehouse=shlex.quote(str(asked.warehouse.resolve())),
        suspects="\n".join(lines),
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """What a recorded folder is: GOOD, BAD or UNTESTED, and why in a sentence."""

    exit_code: int
    text: str


def judge(incident: Incident, folder: Path) -> Judged:
    """Judge what was recorded of one commit by the incident's figure: nearer to before, or to after?"""
    from tracemill.flows.gate.compare import MODELS
    from tracemill.flows.loading.discover import InputError
    from tracemill.flows.loading.files import warehouse_of_builds
    from tracemill.warehouse import connect
    from tracemill.warehouse.compared import Run
    from tracemill.warehouse.queries import ask

    try:
        with (
            warehouse_of_builds({"tested": folder}, MODELS) as loaded,
            connect(loaded.root) as connection,
        ):
            measured = ask(connection, "compare/runs", Run, before="tested", after="tested")
    except InputError as error:
        return Judged(UNTESTED, f"cannot be tested: {error}")
    names = {incident.subject, incident.first_subject, incident.moved_from}
    runs = [r for r in measured if r.metric == incident.metric]
    own = [r for r in runs if r.subject in names]
    if not any(r.measure == incident.measure for r in measured):
        return Judged(UNTESTED, f"cannot be tested: nothing recorded gives {incident.metric}")
    negligible = max((r.negligible for r in runs), default=0.0)
    before, after = incident.before or 0.0, incident.after or 0.0
    # Where the subject is not seen at all it costs nothing.
    value = statistics.median([r.value for r in own]) if own else 0.0
    place = [math.log(max(x + negligible, 1e-300)) for x in (before, value, after)]
    is_bad = abs(place[1] - place[2]) < abs(place[1] - place[0])
    levels = f"{amount(before, incident.unit)} before, {amount(after, incident.unit)} after"
    word = "bad" if is_bad else "good"
    text = f"{word}: {incident.metric} of {incident.subject} is {amount(value, incident.unit)} ({levels})"
    return Judged(BAD if is_bad else GOOD, text)
