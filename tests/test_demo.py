"""The demo: the recorded builds tell their story, and nothing else, without the story file being read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from tracemill.flows.cli import main
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.run import Ran, run
from tracemill.warehouse import connect

TOP = Path(__file__).parent.parent
PACKAGE = "storefront/internal/"
TOUCH = PACKAGE + "session.(*Table).Touch"
LOOKUP = PACKAGE + "cache.(*Prices).Lookup"
QUOTE = PACKAGE + "pricing.(*Prices).Quote"


def _verdicts(warehouse: Path) -> set[tuple[str, str, str, str]]:
    with connect(warehouse) as connection:
        rows = connection.execute(
            "select build_id, status, metric, coalesce(function, subject) from incidents"
        )
        return set(rows.fetchall())


def test_every_recorded_file_is_loaded(ran: tuple[Ran, Path]) -> None:
    files = [f for f in (TOP / "examples/artifacts").rglob("*") if f.is_file()]
    captures = [f for f in files if f.name not in {"build.json", "run.json"}]
    assert ran[0].ingested.failures == []
    assert ran[0].ingested.issues == 0
    assert len(ran[0].ingested.loaded) == len(captures)


def test_the_leak_the_contention_and_their_fixes_are_found_and_nothing_else(ran: tuple[Ran, Path]) -> None:
    found = _verdicts(ran[1])
    assert found == {
        ("b05", "regressed", "mapassign_alloc_bytes", TOUCH),
        ("b07", "improved", "mapassign_alloc_bytes", TOUCH),
        ("b08", "regressed", "block_ns", LOOKUP),
        ("b10", "moved", "block_ns", QUOTE),
        ("b12", "improved", "block_ns", QUOTE),
    }


def test_the_renamed_function_is_moved_and_not_regressed(ran: tuple[Ran, Path]) -> None:
    with connect(ran[1]) as connection:
        query = "select distinct build_id, function, moved_from from regressions where status = 'moved'"
        assert connection.execute(query).fetchall() == [("b10", QUOTE, LOOKUP)]


def test_every_verdict_says_how_sure_it_is(ran: tuple[Ran, Path]) -> None:
    with connect(ran[1]) as connection:
        rows = connection.execute(
            """
            select p_value, q_value, n_before, n_after, interval, evidence
            from regressions where status <> 'moved' and before > 0
            """
        ).fetchall()
    for p, q, n_before, n_after, interval, evidence in rows:
        assert 0 <= p <= q <= 0.01
        assert n_before >= 1 <= n_after
        assert interval[0] < interval[1]
        assert "known by" in evidence


def test_map_allocations_are_known_by_the_call(ran: tuple[Ran, Path]) -> None:
    with connect(ran[1]) as connection:
        found = dict(
            connection.execute(
                "select evidence, min(confidence) from mapassign_allocations group by 1"
            ).fetchall()
        )
    assert found["call_target"] == 1.0


@pytest.mark.full
def test_the_order_of_loading_does_not_matter(ran: tuple[Ran, Path], tmp_path: Path) -> None:
    """Half the builds first, then the rest: what was built step by step is what was built at once."""
    artifacts, half = ran[1].parent / "artifacts", tmp_path / "half"
    half.mkdir()
    for build in ("b02", "b05", "b08", "b11"):
        (half / build).symlink_to(artifacts / build)
    ingest([artifacts / b for b in ("b02", "b05", "b08", "b11")], tmp_path / "w")
    run([artifacts / "b02", artifacts / "b05"], tmp_path / "w", tmp_path / "exports")
    run([artifacts], tmp_path / "w", tmp_path / "exports")
    assert _verdicts(tmp_path / "w") == _verdicts(ran[1])


def test_exports_hold_what_the_warehouse_does(ran: tuple[Ran, Path]) -> None:
    exported = json.loads((ran[1].parent / "exports/incidents.json").read_text())
    found = {(r["build_id"], r["status"], r["metric"], r["function"] or r["subject"]) for r in exported}
    assert found == _verdicts(ran[1])


def _queries() -> list[str]:
    pages = [(TOP / page).read_text() for page in ("README.md", "docs/claims.md")]
    blocks = [b for page in pages for b in re.findall(r"```sql\n(.*?)```", page, re.DOTALL)]
    return [q.strip() for block in blocks for q in block.split(";") if q.strip()]


@pytest.mark.parametrize("query", _queries(), ids=lambda q: q.splitlines()[0][:60])
def test_the_queries_of_the_docs_run_and_answer_through_the_verb(ran: tuple[Ran, Path], query: str) -> None:
    done = CliRunner().invoke(main, ["sql", query, "--format", "json", "--warehouse", str(ran[1])])
    assert done.exit_code == 0, done.output
    # The demo has no recordings for the claims.
    assert json.loads(done.stdout) != [] or "from claim" in query


def test_every_published_column_is_documented(ran: tuple[Ran, Path]) -> None:
    with connect(ran[1]) as connection:
        silent = connection.execute(
            """
            select table_name, column_name from duckdb_columns()
            where comment is null and not internal and table_name in (select unnest($1::varchar[]))
            """,
            [_public_tables()],
        ).fetchall()
    assert silent == []


def _public_tables() -> list[str]:
    from tracemill.warehouse.schema import MARTS, TABLES

    return [*MARTS, *TABLES]


def test_grains_are_unique(ran: tuple[Ran, Path]) -> None:
    from tracemill.warehouse.schema import MARTS, TABLES

    with connect(ran[1]) as connection:
        for table in (*MARTS.values(), *TABLES.values()):
            names = ", ".join(f'"{c}"' for c in table.grain) or "true"
            query = f"select {names}, count(*) from {table.name} group by all having count(*) > 1 limit 1"
            assert connection.execute(query).fetchall() == [], table.name


def test_a_plain_duckdb_shell_can_read_the_file(
    ran: tuple[Ran, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ran[1])
    with duckdb.connect("warehouse.duckdb", read_only=True) as connection:
        assert connection.execute("select count(*) > 0 from goroutine_intervals").fetchone() == (True,)
        assert connection.execute("select count(*) > 0 from regressions").fetchone() == (True,)
