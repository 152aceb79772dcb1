"""What two builds differ in beside their code."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    import duckdb


class Difference(NamedTuple):
    """What both builds were made or measured under, beside their code. None: not said."""

    condition: str
    before: str | None
    after: str | None

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.condition} {self.before or 'not said'} → {self.after or 'not said'}"


def differences(connection: duckdb.DuckDBPyConnection, before: str, after: str) -> list[Difference]:
    """Release of Go, labels, conditions and load, of those that differ."""
    return ask(connection, "show/differences", Difference, before=before, after=after)
