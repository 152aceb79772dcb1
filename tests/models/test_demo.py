"""The recorded shop: its leak, its contended lock, the move and both fixes are found, and nothing else."""

from __future__ import annotations

from pathlib import Path

from flows.run import run
from warehouse import connect

ARTIFACTS = Path(__file__).parents[2] / "examples" / "artifacts"
TOUCH = "storefront/internal/session.(*Table).Touch"
LOOKUP = "storefront/internal/cache.(*Prices).Lookup"
QUOTE = "storefront/internal/pricing.(*Prices).Quote"


def test_the_demo_names_the_right_builds_and_functions(tmp_path):
    run([ARTIFACTS], tmp_path / "warehouse", tmp_path / "exports")
    with connect(tmp_path / "warehouse") as connection:
        found = connection.execute(
            """
            select build_id, status, metric, function
            from regressions where function is not null order by all
            """
        ).fetchall()
        others = connection.execute(
            "select distinct build_id, metric from regressions where function is null"
        ).fetchall()
    assert found == [
        ("b05", "regressed", "mapassign_alloc_bytes", TOUCH),
        ("b05", "regressed", "mapassign_inuse_bytes", TOUCH),
        ("b07", "improved", "mapassign_alloc_bytes", TOUCH),
        ("b07", "improved", "mapassign_inuse_bytes", TOUCH),
        ("b08", "regressed", "block_ns", LOOKUP),
        ("b10", "moved", "block_ns", QUOTE),
        ("b12", "improved", "block_ns", QUOTE),
    ]
    # The benchmark of the whole shop waits for the same lock.
    assert set(others) <= {("b08", "bench sec/op"), ("b12", "bench sec/op")}
