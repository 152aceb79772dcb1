"""How sure `compare` is by how many pairs: `python -m bench.drawn_pairs [--pairs 75] [--more 0]`.

The example service is recorded against itself once, in so many pairs of runs (bench/pairs.py records; with
--more 5 head does five per cent more than it says). Then pairs are drawn from them again and again and
compared. Without more work the sides of each pair are exchanged by chance, so that nothing can differ: what
is called worse or better is false. Printed for each number of pairs: in how many draws something was called
worse, and better, by which metrics, and the share of series that were told not to differ.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from bench.pairs import build_service, recorded
from tracemill.flows.run import run
from tracemill.warehouse import connect
from tracemill.warehouse.compared import Sides, answers, sides_of


def main() -> None:
    """Record once, then draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=75, help="recorded")
    parser.add_argument("--more", type=float, default=0.0, help="per cent of work that head does more")
    parser.add_argument("--at-least", type=float, default=5.0, help="per cent that are worth a word")
    parser.add_argument("--draws", type=int, default=600)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5, 8, 10, 12, 16], help="pairs of a draw")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-drawn-pairs-") as folder:
        home = Path(folder)
        artifacts = recorded(build_service(home), home, options.pairs, options.more)
        load = os.getloadavg()[0]
        run([artifacts], home / "w", home / "exports")
        with connect(home / "w") as connection:
            known = [s for s in sides_of(connection, "base", "head") if s.pairs()]
    print(f"{options.pairs} pairs recorded at load {load:.0f}, {len(known)} series")
    for size in options.sizes:
        print(_line(known, size, options), flush=True)


def _line(known: list[Sides], size: int, options: argparse.Namespace) -> str:
    random = np.random.default_rng(size)
    called: dict[str, Counter[str]] = {"worse": Counter(), "better": Counter()}
    draws: Counter[str] = Counter()
    series = same = 0
    for _ in range(options.draws):
        drawn = _drawn(known, size, random, exchanges=not options.more)
        told = answers(drawn, options.at_least)
        series += len(told)
        same += sum(answer.is_within for answer in told)
        here: dict[str, Counter[str]] = {"worse": Counter(), "better": Counter()}
        for sides, answer in zip(drawn, told, strict=True):
            if answer.is_different:
                figure = sides.before[0]
                here["worse" if answer.effect * figure.polarity > 0 else "better"][figure.metric] += 1
        for word, metrics in here.items():
            draws[word] += bool(metrics)
            called[word] += metrics
    parts = [
        f"{word} in {draws[word]}" + "".join(f", {m} {n}" for m, n in metrics.most_common(3))
        for word, metrics in called.items()
    ]
    return f"{size} pairs, {options.draws} draws: {'; '.join(parts)}; {same / series:.0%} of series alike"


def _drawn(known: list[Sides], size: int, random: np.random.Generator, *, exchanges: bool) -> list[Sides]:
    """Every series at pairs drawn by chance, its sides exchanged by chance where that is asked for."""
    pairs = sorted({run.pair for sides in known for run in sides.before if run.pair is not None})
    chosen = {str(pair): random.random() < 0.5 for pair in random.choice(pairs, size, replace=False)}
    found = []
    for sides in known:
        before, after = ({run.pair: run for run in side} for side in sides)
        common = [pair for pair in chosen if pair in before and pair in after]
        if len(common) < 2:
            continue
        flipped = [exchanges and chosen[pair] for pair in common]
        first = [(after if flip else before)[pair] for pair, flip in zip(common, flipped, strict=True)]
        second = [(before if flip else after)[pair] for pair, flip in zip(common, flipped, strict=True)]
        if any(run.value > run.negligible for run in first + second):
            found.append(Sides(first, second))
    return found


if __name__ == "__main__":
    main()
