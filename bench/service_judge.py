"""What the pipeline finds in the recorded series, held against what is known of them.

A regression counts as found when a verdict `regressed` names the function that has it, and a first bad
build within NEAR builds of the right one. Every other verdict counts as false: nothing else changed.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path

from bench.detection import NEAR
from bench.service_plan import RUNS, Series, build_id
from bench.service_record import TRUTH, manifest
from tracemill.flows.build import build
from tracemill.flows.gate.judge import gate
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect

# Where each regression is, and by what it shows.
CULPRITS = {
    "leak": ("session.(*Trails).Begin", "mapassign_inuse_bytes"),
    "largeleak": ("session.(*Trails).Begin", "mapassign_inuse_bytes"),
    "contention": ("cache.(*Prices).Lookup", "block_ns"),
}
# Of each series that was judged throughout: the standard deviation learnt by the last build, over that of
# its builds. Of figures that hardly vary at all there is nothing to learn.
NOISE = """
with noise as (
    select
        stddev(ln(value + negligible)) as builds,
        arg_max(log_standard_error, ordinal) filter (where p_value is not null) as learnt,
        count(p_value) as judged
    from regression_history
    group by metric, first_subject
)
select learnt / builds from noise where judged >= 20 and builds > 0.002
"""
# What the program itself counted of it.
TRUTHS = {"leak": "trails", "largeleak": "trails", "contention": "held_ns"}


@dataclass(frozen=True)
class Verdict:
    """One row of regressions; builds as numbers."""

    build: int
    first_build: int
    status: str
    metric: str
    subject: str
    # The share by which it is more than before.
    more: float

    def is_of(self, series: Series) -> bool:
        """Whether it tells of the regression that is there."""
        if not series.kind:
            return False
        function, metric = CULPRITS[series.kind]
        is_there = function in self.subject and self.metric == metric and self.status == "regressed"
        return is_there and abs(self.first_build - series.first_bad) <= NEAR


@dataclass(frozen=True)
class Judged:
    """A series and all that was said of it. gates: exit codes, see _gates."""

    series: Series
    verdicts: tuple[Verdict, ...]
    # Of each figure at each build that was compared with its level.
    p_values: tuple[float, ...]
    # Learnt over real noise, a series without a change each.
    noise: tuple[float, ...]
    # How much more than before the program itself counted.
    measured: float
    gates: tuple[int, ...]

    @property
    def true(self) -> list[Verdict]:
        return [v for v in self.verdicts if v.is_of(self.series)]

    @property
    def false(self) -> list[Verdict]:
        return [v for v in self.verdicts if not v.is_of(self.series)]

    @property
    def delay(self) -> int | None:
        """Builds from the first bad one until the regression was told of; None: never."""
        seen = [max(v.build - self.series.first_bad, 0) for v in self.true]
        return min(seen) if seen else None


def source(series: Series, number: int) -> tuple[Series, int]:
    """Where the recording of a build is: before the regression it is one of the calm builds."""
    if number < series.first_bad:
        return Series(series.calm), series.calm_before[number - 1]
    return series, number


def assemble(series: Series, home: Path) -> Path:
    """The folder of artifacts of a series, made of links to what is recorded."""
    folder = home / "series" / series.name / "artifacts"
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(1, series.builds + 1):
        of, recorded = source(series, number)
        target = folder / build_id(number)
        target.mkdir(parents=True)
        made = home / "programs" / of.variant
        facts = json.loads((made / "facts.json").read_text())
        text = manifest(facts["tree"], facts["go_version"], series.name, number, build_id(number))
        (target / "build.json").write_text(text)
        os.link(made / "storefront", target / "storefront")
        for run in _runs(home, of, recorded):
            (target / run.name).mkdir()
            for file in run.iterdir():
                if file.name != TRUTH:
                    os.link(file, target / run.name / file.name)
    return folder


def _runs(home: Path, series: Series, number: int) -> list[Path]:
    return [home / "recordings" / series.name / build_id(number) / f"r{run}" for run in range(1, RUNS + 1)]


def judge(series: Series, home: Path) -> Judged:
    """Run the pipeline over a series, and ask the gate."""
    warehouse = home / "series" / series.name / "warehouse"
    ingested = ingest([assemble(series, home)], warehouse)
    if ingested.failures:
        raise SystemExit(
            f"{series.name}: {len(ingested.failures)} not loaded: {ingested.failures[0].message}"
        )
    build(warehouse)
    numbers = {build_id(number): number for number in range(1, series.builds + 1)}
    with connect(warehouse) as connection:
        rows = connection.execute(
            "select build_id, first_build_id, status, metric, coalesce(function, subject), change_ratio - 1"
            " from regressions order by all"
        ).fetchall()
        p_values = connection.execute("select p_value from regression_history where p_value is not null")
        chances = [row[0] for row in p_values.fetchall()]
        noise = [] if series.kind else [row[0] for row in connection.execute(NOISE).fetchall()]
    return Judged(
        series=series,
        verdicts=tuple(Verdict(numbers[row[0]], numbers[row[1]], *row[2:]) for row in rows),
        p_values=tuple(chances),
        noise=tuple(noise),
        measured=measured(series, home),
        gates=tuple(_gates(series, warehouse)),
    )


def _gates(series: Series, warehouse: Path) -> list[int]:
    """Exit codes: without a regression at every build; else at the first bad build, at the last one, and at
    the last one when only the good ones are its baseline."""
    if not series.kind:
        return [gate(warehouse, build_id(number)).exit_code for number in range(1, series.builds + 1)]
    good = tuple(build_id(number) for number in range(1, series.first_bad))
    all_before = tuple(build_id(number) for number in range(1, series.builds))
    first, last = build_id(series.first_bad), build_id(series.builds)
    asked = ((first, good), (last, all_before), (last, good))
    return [gate(warehouse, candidate, baseline).exit_code for candidate, baseline in asked]


def measured(series: Series, home: Path) -> float:
    """By how much the median build with the regression exceeds the median build before it, as counted."""
    if not series.kind:
        return 0.0
    medians: dict[bool, list[float]] = {False: [], True: []}
    for number in range(1, series.builds + 1):
        runs = _runs(home, *source(series, number))
        counted = [json.loads((run / TRUTH).read_text())[TRUTHS[series.kind]] for run in runs]
        medians[number >= series.first_bad].append(statistics.median(counted))
    return statistics.median(medians[True]) / statistics.median(medians[False]) - 1
