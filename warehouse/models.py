"""The SQL models: read from sql/, put in order by their FROM clauses; publish.py builds them.

A model's header is its contract::

    -- One sentence.
    -- grain: build_id, function
    -- scope: build

Staging models are views. Others are tables, of one of three scopes: ``build``
models read the raw facts of the builds that are new or changed, and replace the
rows of just these builds; ``history`` models read those condensed rows of builds
that are judged together (stretches.py), and as ``levels_of_<model>`` those of a model
as level_relation.py judges them; ``all`` models read rows of all builds there are, and
are to be cheap. A model of scope ``view`` puts tables of any together and costs nothing
until it is read. A model of scope ``history`` of which each build's rows follow from that build's may say
so (``-- by: build``), and is then made of some builds at a time: so what DuckDB holds has a bound.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb

from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.level_relation import LEVELS_OF
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.resources.abc import Traversable


# Comments and texts; the names of CTEs; what stands behind FROM and JOIN.
_NOISE = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_CTE = re.compile(r"(?:\bwith\b(?:\s+recursive\b)?|,)\s*(\w+)\s+as\s+(?:(?:not\s+)?materialized\s+)?\(")
_FROM = re.compile(r"(?<!distinct )\b(?:from|join)\s+(\w+)\b(?!\s*[(.])")

FOLDERS = ("staging", "intermediate", "marts", "checks")
FIGURES = "int_figures"


class ModelError(WarehouseError):
    """A model that cannot be read, ordered or built."""


@dataclass(frozen=True, slots=True)
class Model:
    """One file of sql/: its folder, sentence, grain, scope (one of those above, or check), what it reads.

    is_by_build: whether it can be made of some builds at a time.
    """

    name: str
    folder: str
    text: str
    grain: tuple[str, ...]
    scope: str
    sql: str
    reads: frozenset[str]
    is_by_build: bool = False


def read_models(folder: Traversable | None = None) -> list[Model]:
    """Every model in the order in which they can be built. Raises ModelError."""
    return _models_in(folder) if folder else list(_own_models())


@cache
def _own_models() -> tuple[Model, ...]:
    return tuple(_models_in(files("tracemill.sql")))


def _models_in(top: Traversable) -> list[Model]:
    models = {
        m.name: m
        for name in FOLDERS
        for m in (_read_model(file, place) for place, file in _sql_files(top.joinpath(name), name))
    }
    figures = [m for m in models.values() if m.name.startswith("figures_")]
    if figures:
        models[FIGURES] = _union_of(FIGURES, figures)
    for model in models.values():
        unknown = model.reads - models.keys() - TABLES.keys()
        if unknown:
            raise ModelError(
                f"sql/{model.folder}/{model.name}.sql: reads {', '.join(sorted(unknown))}, which nobody makes"
            )
    try:
        names = list(
            TopologicalSorter({m.name: m.reads & models.keys() for m in models.values()}).static_order()
        )
    except CycleError as error:
        raise ModelError(f"sql: models read each other in a circle: {' → '.join(error.args[1])}") from error
    order = [models[name] for name in names]
    spanning = spanning_models(order)
    for model in order:
        if model.scope == "build" and (over := sorted(model.reads & spanning)):
            place = f"sql/{model.folder}/{model.name}.sql"
            raise ModelError(f"{place}: scope build, but reads {', '.join(over)}, which spans builds")
    late = judged_models(order)
    for model in order:
        for name in sorted(model.reads & late) if model.scope == "history" else ():
            if models[name].scope == "all":
                place = f"sql/{model.folder}/{model.name}.sql"
                raise ModelError(
                    f"{place}: scope history, but reads {name}, which is made from all histories"
                )
    return order


def needed_for(models: list[Model], names: Iterable[str]) -> list[Model]:
    """Of the ordered models the named ones and those that they are made from."""
    wanted = set(names)
    for model in reversed(models):
        if model.name in wanted:
            wanted |= model.reads
    return [model for model in models if model.name in wanted]


def tables_read(query: str) -> frozenset[str] | None:
    """The tables that a query of people names; None where only running it can tell: describe, no SQL."""
    try:
        return _tables_read(query, "")
    except (ModelError, duckdb.Error):
        return None


def spanning_models(models: list[Model]) -> frozenset[str]:
    """The names of the ordered models whose rows follow from several builds, and of views over such."""
    found: set[str] = set()
    for model in models:
        if model.scope in {"history", "all"} or (model.scope == "view" and model.reads & found):
            found.add(model.name)
    return frozenset(found)


def judged_models(models: list[Model]) -> frozenset[str]:
    """The names of the ordered models of scope history, and of all that are made from them."""
    found: set[str] = set()
    for model in models:
        if model.scope == "history" or model.reads & found:
            found.add(model.name)
    return frozenset(found)


def _union_of(name: str, parts: list[Model]) -> Model:
    """The model of all figures: whatever stands in sql/intermediate/figures is part of it."""
    sql = "\nunion all by name\n".join(f"from {part.name}" for part in parts)
    grain = ("build_id", "run_id", "metric", "subject")
    text = "Every figure of each run, as the models in sql/intermediate/figures give them."
    return Model(name, "intermediate", text, grain, "view", sql, frozenset(part.name for part in parts))


def _sql_files(folder: Traversable, place: str) -> Iterator[tuple[str, Traversable]]:
    """The folder's models and where each lies; its subfolders are subjects, for the reader's sake alone."""
    for entry in sorted(folder.iterdir(), key=lambda f: f.name):
        if entry.is_dir():
            yield from _sql_files(entry, f"{place}/{entry.name}")
        elif entry.name.endswith(".sql"):
            yield place, entry


def _read_model(file: Traversable, folder: str) -> Model:
    sql = file.read_text("utf-8")
    place = f"sql/{folder}/{file.name}"
    header = [line[2:].strip() for line in sql.splitlines() if line.startswith("--")]
    keys = dict(line.split(": ", 1) for line in header if line.startswith(("grain: ", "scope: ", "by: ")))
    scope = {"staging": "view", "checks": "check"}.get(folder.partition("/")[0], keys.get("scope", ""))
    if scope not in {"view", "check", "build", "history", "all"}:
        raise ModelError(f"{place}: the header needs `-- scope: build`, `history`, `all` or `view`")
    if "by" in keys and (keys["by"], scope) != ("build", "history"):
        raise ModelError(f"{place}: the header knows only `-- by: build`, with `-- scope: history`")
    if not header or header[0].startswith(("grain:", "scope:")):
        raise ModelError(f"{place}: the header needs a sentence")
    grain = tuple(name.strip() for name in keys.get("grain", "").split(",") if name.strip())
    reads = frozenset(name.removeprefix(LEVELS_OF) for name in _names_read(sql))
    name = file.name.removesuffix(".sql")
    return Model(name, folder, header[0], grain, scope, sql, reads, "by" in keys)


def _names_read(sql: str) -> frozenset[str]:
    """What _tables_read() says of a model of ours, whose style is fixed: DuckDB's parser takes 0.4 s for all.

    A test holds every model to that.
    """
    plain = _NOISE.sub(" ", sql)
    return frozenset(_FROM.findall(plain)) - frozenset(_CTE.findall(plain))


def _tables_read(sql: str, place: str) -> frozenset[str]:
    """The tables in the query's FROM clauses, less its own CTEs, by DuckDB's own parser."""
    tree = json.loads(duckdb.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree["error"]:
        raise ModelError(f"{place}: {tree['error_message']}")
    tables: set[str] = set()
    own: set[str] = set()
    todo: list[object] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                tables.add(str(node["table_name"]))
            own.update(str(cte["key"]) for cte in node.get("cte_map", {}).get("map", []))
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return frozenset(tables - own)
