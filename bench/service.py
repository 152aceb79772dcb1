"""Does it find real regressions in real recordings, and nothing where nothing changed?

    python -m bench.service [--minutes 45] [--repeats 3] [--record-only]

Records the example service (bench/service_record.py): 30 builds without a change, four times over, and
builds with a leak or a contention of 2 to 50 % from a random build of 20 on; three runs of each. What is
recorded stays in .cache/bench/service, and the next call goes on. Then each series goes through the pipeline;
prints the tables of docs/detection-real.md.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from pathlib import Path

from bench.service_judge import Judged, judge
from bench.service_plan import (
    BUSY,
    CALM,
    IN_ORDER,
    KINDS,
    LARGE,
    PERCENTS,
    RUNS,
    all_series,
    build_id,
    schedule,
)
from bench.service_record import record
from examples.recording import say
from tracemill.flows.gate.judgement import WORDS

HOME = Path(__file__).resolve().parents[1] / ".cache" / "bench" / "service"
HOW = {
    CALM: "in random order, with priority",
    IN_ORDER: "build by build, with priority",
    BUSY: "build by build, without",
    LARGE: "in random order, with priority, the map four times as large",
}


def calm_table(judged: list[Judged]) -> str:
    """What was said of builds in which nothing changed."""
    lines = [
        "| recorded | builds × runs | compared | p < 0.05 | p < 0.01 "
        "| learnt noise over real (least, median) | alarms | other verdicts | gate |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for found in judged:
        n = len(found.p_values)
        below = [f"{100 * sum(p < level for p in found.p_values) / n:.1f} %" for level in (0.05, 0.01)]
        alarms = sum(v.status == "regressed" for v in found.verdicts)
        gates = ", ".join(f"{count} {WORDS[code]}" for code, count in sorted(Counter(found.gates).items()))
        others = len(found.verdicts) - alarms
        noise = f"{min(found.noise):.2f}, {statistics.median(found.noise):.2f}"
        lines.append(
            f"| {HOW[found.series.name]} | {found.series.builds} × {RUNS} | {n} "
            f"| {' | '.join(below)} | {noise} | {alarms} | {others} | {gates} |"
        )
    return "\n".join(lines)


def injected_table(judged: list[Judged]) -> str:
    """What was said of each kind and size of regression, over its repeats."""
    lines = [
        "| regression | counted by the program | found | builds late | said to be "
        "| gate: first bad build | last build | last against good | false verdicts |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in (kind for kinds in KINDS.values() for kind in kinds):
        for percent in PERCENTS:
            of = [found for found in judged if (found.series.kind, found.series.percent) == (kind, percent)]
            if not of:
                continue
            counted = statistics.median(found.measured for found in of)
            hits = [found for found in of if found.true]
            late = ", ".join(str(found.delay) for found in hits) or "–"
            said = ", ".join(f"{100 * found.true[0].more:+.0f} %" for found in hits) or "–"
            codes = zip(*(found.gates for found in of), strict=True)
            failed = [f"{sum(code == 1 for code in at)} of {len(of)}" for at in codes]
            lines.append(
                f"| {kind} {percent} % | {100 * counted:+.1f} % | {len(hits)} of {len(of)} | {late} | {said} "
                f"| {' | '.join(failed)} | {sum(len(found.false) for found in of)} |"
            )
    return "\n".join(lines)


def false_verdicts(judged: list[Judged]) -> str:
    """Every verdict that should not be there."""
    lines = []
    for found in judged:
        true = found.series.first_bad
        what = f"changed at {build_id(true)}" if true else "unchanged"
        lines += [
            f"- {found.series.name} ({what}): {v.status} from {build_id(v.first_build)} on, told at "
            f"{build_id(v.build)}: {v.metric} of {v.subject}, {100 * v.more:+.1f} %"
            for v in found.false
        ]
    return "\n".join(lines) or "None."


def main() -> None:
    """Record, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=45, help="record no longer than this (45)")
    parser.add_argument("--repeats", type=int, default=3, help="series of each kind and size (3)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--record-only", action="store_true")
    asked = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    series = all_series(asked.repeats, asked.seed)
    missing = record(schedule(series, asked.seed), HOME, asked.minutes)
    if missing or asked.record_only:
        say(f"{missing} runs are still to be recorded" + (": call again" if missing else ""))
        return
    judged = []
    for one in series:
        judged.append(judge(one, HOME))
        say(f"judged {one.name}: {len(judged[-1].true)} true, {len(judged[-1].false)} false")
    calm, injected = ([j for j in judged if bool(j.series.kind) == is_injected] for is_injected in (0, 1))
    print(f"\nWithout a change\n\n{calm_table(calm)}")
    print(f"\nWith a regression, {asked.repeats} series each\n\n{injected_table(injected)}")
    print(f"\nFalse verdicts\n\n{false_verdicts(judged)}")


if __name__ == "__main__":
    main()
