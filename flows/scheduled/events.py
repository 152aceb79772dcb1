"""Which regressions are new since a state of the warehouse: what is worth an event that wakes somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.tables import plain
from tracemill.warehouse import connect
from tracemill.warehouse.connection import DATABASE, bring_published
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from pathlib import Path

# (build_id, metric, subject)
Key = tuple[str, str, str]
EVENT = "tracemill.regression"
# A first run over a long history tells of so many; the exports have all.
MAX_EVENTS = 100


class News(NamedTuple):
    """One new regression that nobody has accepted."""

    build_id: str
    metric: str
    subject: str
    unit: str | None
    before: float | None
    after: float | None
    change_ratio: float | None
    q_value: float | None
    commit: str | None
    evidence: str | None

    @property
    def key(self) -> Key:
        """Which verdict it is."""
        return self.build_id, self.metric, self.subject

    def resource(self) -> dict[str, str]:
        """The event's resource, in Prefect's words: automations match its labels."""
        return {
            "prefect.resource.id": "/".join((EVENT, *self.key)),
            "prefect.resource.name": f"{self.metric} of {self.subject} at {self.build_id}",
            "tracemill.build": self.build_id,
            "tracemill.metric": self.metric,
            "tracemill.subject": self.subject,
        }

    def payload(self) -> dict[str, object]:
        """The figures, as JSON can hold them."""
        return {name: plain(value) for name, value in self._asdict().items()}


def regressions(warehouse: Path) -> list[News]:
    """All regressions that nobody accepted; none where there are no marts yet."""
    bring_published(warehouse)
    if not (warehouse / DATABASE).is_file():
        return []
    with connect(warehouse) as connection:
        tables = {row[0] for row in connection.execute("show tables").fetchall()}
        if not {"regressions", "accepted_regressions"} <= tables:
            return []
        return ask(connection, "verdicts/unaccepted_regressions", News)


def new_since(known: set[Key], warehouse: Path) -> list[News]:
    """The first regressions whose keys are not known."""
    return [news for news in regressions(warehouse) if news.key not in known][:MAX_EVENTS]
