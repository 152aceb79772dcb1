"""``--across``: each condition that the models know can be asked for, and ``all`` reaches every one."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from tests.models.story import story
from tracemill.flows.cli import main
from tracemill.flows.gate.comparability import CONDITIONS, conditions, without
from tracemill.warehouse.models import read_models

MODELS = ("int_condition_values", "int_build_conditions", "int_build_loads", "int_benchmark_conditions")


def known_conditions() -> set[str]:
    """What the models write into the column ``condition``: literals, and the keys that rows are chosen by."""
    sql = "\n".join(model.sql for model in read_models() if model.name in MODELS)
    found = re.findall(r"'([^']+)' as condition", sql)
    found += re.findall(r"select [\w.]+, (?:[\w.]+|'\w+'), '([^']+)',", sql)
    [cases] = re.findall(r"case((?:(?!\bcase\b).)*?)end as condition", sql, re.DOTALL)
    found += re.findall(r"(?:then|else) '([^']+)'", cases)
    for keys in re.findall(r"(?:key\)?|condition) in \(([^)]*)\)", sql):
        found += re.findall(r"'([^']+)'", keys)
    return set(found)


def test_every_condition_of_the_models_can_be_asked_for():
    known = known_conditions()
    assert {"Go version", "trace format", "DefaultGODEBUG", "-race", "runner", "duration", "goos"} < known
    reached = {name.lower() for names in CONDITIONS.values() for name in names}
    assert {name.lower() for name in known} == reached


@pytest.mark.parametrize(
    ("asked", "reached"),
    [("go_version", {"Go version", "trace format"}), ("machine", {"Runner"}), ("godebug", set())],
)
def test_a_name_reaches_its_conditions_and_all_every_one(asked, reached):
    given = story()
    for capture in given.tables["captures"]:
        capture["labels"] = [("trace_format", "go 1.26")] if capture["kind"] == "trace" else []
    given.tables["build_manifests"].append({"build_id": "b1", "labels": [("Runner", "large")]})
    with given.models() as connection:
        connection.execute("attach ':memory:' as published")
        connection.execute("create table published.int_condition_values as from int_condition_values")

        def left(asked):
            tables, values = without(conditions(asked))
            return {row[2] for row in connection.execute(tables["int_condition_values"], values).fetchall()}

        known = {row[2] for row in connection.execute("from int_condition_values").fetchall()}
        assert known - left(asked) == reached
        assert left("all") == set()


def test_help_names_every_condition():
    text = " ".join(CliRunner().invoke(main, ["regressions", "--help"]).output.split())
    assert ", ".join(CONDITIONS) in text
