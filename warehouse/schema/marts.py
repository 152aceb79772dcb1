"""The marts' columns: what the models in sql/marts give. Columns take their text from here."""

from __future__ import annotations

from warehouse.schema.tables import Table

MARTS: dict[str, Table] = {}
