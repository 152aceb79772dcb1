"""The marts: declared as they are, and made of what is given."""

from __future__ import annotations

import pytest

from warehouse.models import duckdb_type
from warehouse.schema import MARTS

from .given import Given, rows


@pytest.mark.parametrize("mart", MARTS.values(), ids=lambda mart: mart.name)
def test_mart_has_the_declared_columns(mart):
    with Given().models() as connection:
        found = [(r[0], r[1].lower()) for r in rows(connection, f"describe {mart.name}")]
    expected = [(c.name, duckdb_type(c.type).lower()) for c in mart.columns]
    assert [(n, t.replace("timestamp with time zone", "timestamptz")) for n, t in found] == expected
