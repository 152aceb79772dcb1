"""Word of incidents to where people are: each is told once when it opens, changes and closes.

What was told to whom is kept beside the warehouse's data (notified.json), by a digest of the address, so that
a second call tells nothing again and no address is written down. An issue or a comment carries the incident
in a hidden line, by which a job finds it again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemill.flows.show.card_incident import incidents
from tracemill.flows.show.card_wording import headline
from tracemill.flows.show.export import replace_whole
from tracemill.flows.show.units import amounts
from tracemill.warehouse import connect
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tracemill.flows.show.card_incident import Incident

OPENED, UPDATED, CLOSED = "opened", "updated", "closed"
STATE_FILE = "notified.json"
# By address' digest, by incident: the words that it was last told with.
State = dict[str, dict[str, str]]


class NotifyError(TracemillError):
    """A notice that could not be sent, in one sentence."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of an incident. key: the hidden line by which an issue or comment of it is found again."""

    incident_id: str
    event: str
    title: str
    body: str

    @property
    def key(self) -> str:
        """The same for each notice of an incident."""
        return marker(self.incident_id)

    def as_json(self) -> dict[str, str]:
        """For a job that writes issues or comments itself."""
        return {
            "incident_id": self.incident_id,
            "event": self.event,
            "key": self.key,
            "title": self.title,
            "body": self.body,
        }


def marker(incident_id: str) -> str:
    """The hidden line of an incident's issue or comment."""
    return f"<!-- tracemill incident {incident_id} -->"


def notices(known: Sequence[Incident], told: dict[str, str]) -> list[Notice]:
    """What is new since it was told: what is open and was not, what reads otherwise, what is open no more."""
    found = []
    for incident in sorted(known, key=lambda i: i.gravity):
        before = told.get(incident.incident_id)
        if incident.is_open and before != headline(incident):
            found.append(_notice(incident, OPENED if before is None else UPDATED))
        elif before is not None and not incident.is_open:
            found.append(_notice(incident, CLOSED))
    gone = sorted(set(told) - {i.incident_id for i in known})
    found += [
        Notice(name, CLOSED, f"closed: {told[name]}", f"{marker(name)}\nNo verdict says so any more.\n")
        for name in gone
    ]
    return found


def _notice(incident: Incident, event: str) -> Notice:
    said = headline(incident)
    lines = [marker(incident.incident_id), f"**{said}**", ""]
    lines.append(f"{incident.metric}: {amounts(incident.before, incident.after, incident.unit)}")
    if event == CLOSED:
        ended = incident.ended_build_id
        why = (
            f"ended with {ended}"
            if ended
            else f"accepted by {incident.accepted_by}: {incident.accepted_reason}"
        )
        lines.append(f"Closed: {why}")
    else:
        lines += [
            f"Since {incident.seen_build_id}; before it {incident.previous_build_id or 'nothing'}.",
            "",
        ]
        lines.append(f"`tracemill show {incident.incident_id}` · `tracemill commits {incident.incident_id}`")
    return Notice(incident.incident_id, event, f"{event}: {said}", "\n".join(lines) + "\n")


def pending(warehouse: Path, target: str) -> list[Notice]:
    """What would be told to a target. Raises NotifyError, WarehouseError."""
    with connect(warehouse) as connection:
        return notices(incidents(connection), _read(warehouse).get(_digest(target), {}))


def notify(warehouse: Path, target: str, send: Callable[[str, Notice], None]) -> list[Notice]:
    """Tell a target what is new; each notice is noted as soon as it is sent. Raises NotifyError."""
    with connect(warehouse) as connection:
        known = {i.incident_id: i for i in incidents(connection)}
    found = notices(list(known.values()), _read(warehouse).get(_digest(target), {}))
    for notice in found:
        send(target, notice)
        state = _read(warehouse)
        told = state.setdefault(_digest(target), {})
        if notice.event == CLOSED:
            told.pop(notice.incident_id, None)
        else:
            told[notice.incident_id] = headline(known[notice.incident_id])
        _write(warehouse, state)
    return found


def by_apprise(target: str, notice: Notice) -> None:
    """Send a notice to an address of Apprise: mailto://…, slack://…, json://…. Raises NotifyError."""
    try:
        import apprise
    except ImportError as error:
        raise NotifyError("notify needs Apprise: pip install 'tracemill[notify]'") from error
    sender = apprise.Apprise()
    if not sender.add(target):
        raise NotifyError(
            "an address that Apprise does not know: mailto://…, slack://…, json://… are some that it does"
        )
    kind = apprise.NotifyType.SUCCESS if notice.event == CLOSED else apprise.NotifyType.WARNING
    body = notice.body.partition("\n")[2]
    if not sender.notify(
        title=notice.title, body=body, notify_type=kind, body_format=apprise.NotifyFormat.MARKDOWN
    ):
        raise NotifyError(f"{target.partition('://')[0]}://…: the notice was refused, or nobody answered")


def _digest(target: str) -> str:
    return hashlib.sha256(target.encode()).hexdigest()[:16]


def _write(warehouse: Path, state: State) -> None:
    text = json.dumps(state, indent=1).encode()
    if cache := cache_of(warehouse):
        cache.write(STATE_FILE, text)
    else:
        replace_whole(warehouse / STATE_FILE, lambda out: out.write(text))


def _read(warehouse: Path) -> State:
    file, cache = warehouse / STATE_FILE, cache_of(warehouse)
    content = cache.read(STATE_FILE) if cache else file.read_bytes() if file.exists() else None
    try:
        return dict(json.loads(content)) if content else {}
    except ValueError as error:
        raise NotifyError(
            f"{file}: not what notify writes ({error}); remove it to be told everything again"
        ) from error
