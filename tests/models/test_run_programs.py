"""Runs of different programs, as a folder for each package's test binary: each is judged by its own runs."""

from __future__ import annotations

import numpy as np

from tracemill.flows.gate.judge import judge
from tracemill.flows.gate.judgement import REGRESSED
from tracemill.flows.show.card import Change
from tracemill.warehouse.queries import ask

from .given import Given, rows

PACKAGES = ("enc", "lru", "tok")
SCAN, PARSE, WORD = "example.org/keel/tok.Scan", "example.org/keel/tok.Parse", "example.org/keel/tok.scanWord"


def packages(sites) -> Given:
    """Builds b1 to b8 with a run for each package: the profile of its test binary; sites(build): of tok's."""
    given, random = Given(), np.random.default_rng(3)
    for build in range(1, 9):
        for package in PACKAGES:
            own = [(f"example.org/keel/{package}.New", 40e6)] + (sites(build) if package == "tok" else [])
            given.heap(
                f"b{build}",
                package,
                [
                    (
                        given.stack(function),
                        0x100 * number,
                        int(size * np.exp(0.03 * random.standard_normal())),
                    )
                    for number, (function, size) in enumerate(own, 1)
                ],
                program=f"/tmp/go-build{build}{package}/b001/{package}.test",
            )
    return given


def judged(given: Given) -> list[tuple[str, ...]]:
    with given.models() as connection:
        return rows(
            connection,
            "select distinct subject, status, first_build_id from regressions where metric = 'alloc_bytes' "
            "order by all",
        )


def test_what_one_of_several_programs_allocates_is_judged_by_its_own_runs():
    assert judged(packages(lambda build: [(SCAN, 300e6 if build >= 6 else 60e6)])) == [
        (SCAN, "regressed", "b6")
    ]


def test_what_only_one_of_several_programs_could_show_was_nothing_before():
    found = judged(packages(lambda build: [(SCAN, 60e6)] + ([(PARSE, 400e6)] if build >= 6 else [])))
    assert found == [(PARSE, "regressed", "b6")]


def test_a_function_of_one_of_several_programs_is_known_by_its_new_name():
    name = "example.org/keel/tok.scanIdent"
    given = packages(lambda build: [(name if build >= 6 else WORD, 80e6)])
    assert (name, "moved", "b6") in judged(given)


def test_the_gate_says_that_a_builds_runs_are_of_different_programs():
    with packages(lambda build: [(SCAN, 300e6 if build >= 6 else 60e6)]).models() as connection:
        found = judge(connection, "b6")
    assert found.exit_code == REGRESSED
    assert any(
        "runs are of 3 different programs (enc.test, lru.test, tok.test)" in n for n in found.conditions
    )


def test_what_changed_most_is_told_by_the_runs_of_the_program_that_shows_it():
    given = packages(lambda build: [(SCAN, 300e6 if build >= 6 else 60e6)])
    asked = {"metric": "alloc_bytes", "before": "b5", "after": "b6", "subject": SCAN, "most": 1}
    with given.models() as connection:
        [change] = ask(connection, "show/changes", Change, **asked)
    assert 50e6 < change.before < 70e6
    assert 270e6 < change.after < 330e6
