"""Names that a user gives: of builds, metrics, statuses; and the nearest one where there is none such."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LISTED = 10


class NoSuchNameError(TracemillError):
    """A build, metric or status that is not there, with the nearest that is."""


def as_text(value: str) -> str:
    """A word of the command line as text: the terminal may write Latin-1 where UTF-8 is expected."""
    given = value.encode("utf-8", "surrogateescape")
    try:
        return given.decode()
    except UnicodeDecodeError:
        return given.decode("latin-1")


def plain(name: str) -> str:
    """A function's name as its package is imported: Go's symbols escape the dots of a path's last part."""
    return name.replace("%2e", ".")


def require(value: str, what: str, known: Sequence[str]) -> None:
    """Raises NoSuchNameError, with the nearest name, unless value is known."""
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
        # Builds come in their order: the newest are most likely meant.
        named = list(known)[-MAX_LISTED:] if what == "build" else sorted(known)[:MAX_LISTED]
        more = f" and {len(known) - len(named)} more" if len(known) > len(named) else ""
        listed = f"{', '.join(named)}{more}" if named else "none yet"
        raise NoSuchNameError(
            f"no {what} {value!r}; " + (f"did you mean {near[0]!r}?" if near else f"there is {listed}")
        )
