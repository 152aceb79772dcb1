"""What two builds differ in beside their code."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    import duckdb

# Characters of a difference that are told.
LONGEST = 160


class Difference(NamedTuple):
    """What both builds were made or measured under, beside their code. None: not said."""

    condition: str
    before: str | None
    after: str | None

    @property
    def text(self) -> str:
        """In words; people write labels as long as they like."""
        told = f"{self.condition} {self.before or 'not said'} → {self.after or 'not said'}"
        return textwrap.shorten(told, LONGEST, placeholder="…")


def differences(connection: duckdb.DuckDBPyConnection, before: str | None, after: str) -> list[Difference]:
    """Release of Go, labels, conditions and work done, of those that differ; none without a build before."""
    if before is None:
        return []
    return ask(connection, "show/differences", Difference, before=before, after=after)
