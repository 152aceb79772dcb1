"""Changes that several writers made to the same state, put together.

A state is section → key → record. ours is before with our change, theirs is before with that of others, who
were quicker. A section that before lacks was empty.
"""

from __future__ import annotations

from typing import Any

Section = dict[Any, Any]


def merged(ours: Section, before: Section, theirs: Section) -> Section:
    """Our change to a section, made to theirs. Where both changed a record, ours wins."""
    found = theirs | {key: value for key, value in ours.items() if before.get(key) != value}
    for key in before.keys() - ours.keys():
        if found.get(key) == before[key]:
            del found[key]
    return found


def overlap(ours: dict[str, Section], before: dict[str, Section], theirs: dict[str, Section]) -> str | None:
    """The section in which both changed a record, or they one of a build that we have dropped; None without.

    Files are not looked at: they follow from what lists them.
    """
    gone = before.get("builds", {}).keys() - ours["builds"].keys()
    for name in ours.keys() - {"files"}:
        mine, old, other = ours[name], before.get(name, {}), theirs[name]
        for key in old.keys() | mine.keys() | other.keys():
            if other.get(key) == old.get(key):
                continue
            is_of_gone = isinstance(key, tuple) and key[0] in gone
            if is_of_gone or (mine.get(key) != old.get(key) and mine.get(key) != other.get(key)):
                return name
    return None
