"""What a publication is made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

from tracemill.detection.rules import RULES
from tracemill.warehouse import aside
from tracemill.warehouse.condensed import Kept
from tracemill.warehouse.declared import declared
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.functions import NATURAL_ORDER
from tracemill.warehouse.intervals import view
from tracemill.warehouse.own_models import Elsewhere, checked_here
from tracemill.warehouse.schema.tables import DERIVED

if TYPE_CHECKING:
    from tracemill.warehouse.catalog import Catalog
    from tracemill.warehouse.models import Model


# Before a build's name, in the published state: a hash of the rows that the catalog's tables have of it.
ROWS = "rows "


@cache
def _detection() -> str:
    """What the code says that judges levels; the models of single builds do not read it."""
    sources = sorted(files("tracemill.detection").iterdir(), key=lambda file: file.name)
    digest = hashlib.sha256()
    for file in sources:
        if file.name.endswith(".py"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a publication is made from, before and after, and the builds whose models have to run.

    changed: builds of which the catalog's tables show other rows, or none any more. gone: builds that were
    published and are no longer loaded, whose rows have to go.
    """

    catalog: Catalog
    models: list[Model]
    before: dict[str, str]
    after: dict[str, str]
    changed: frozenset[str]
    stale: tuple[str, ...]
    gone: tuple[str, ...] = ()
    kept: Kept = field(default_factory=Kept)
    # What makes the models of scope build, where it is not this process
    elsewhere: Elsewhere | None = None

    @classmethod
    def of(cls, catalog: Catalog, models: list[Model], before: dict[str, str]) -> Plan:
        """before: what the published file says, nothing to make it anew."""
        after = {
            "commit": str(catalog.position.number),
            "tracemill": version("tracemill"),
        }
        digests = catalog.digests()
        after |= {f"{ROWS}{build}": told.shown for build, told in digests.items()}
        is_row_gone = (s for s, told in before.items() if s.startswith(ROWS) and told and s not in after)
        after |= dict.fromkeys(is_row_gone, "")
        changed = frozenset(
            s.removeprefix(ROWS) for s, told in after.items() if s.startswith(ROWS) and before.get(s) != told
        )
        made = {b: told.made for b, told in digests.items() if told.made and b not in catalog.set_aside}
        fingerprints = made if models else {}
        if models:
            parts = [repr(table.to_pylist()) for table in declared().values()] + [repr(RULES), NATURAL_ORDER]
            code = "\0".join([*(m.name + m.sql for m in models), *map(view, DERIVED), *parts])
            after["models"] = hashlib.sha256(code.encode()).hexdigest()
            after["detection"] = _detection()
            after |= {f"build {b}": f for b, f in fingerprints.items()}
        known = [s.removeprefix("build ") for s, made in before.items() if s.startswith("build ") and made]
        gone = tuple(b for b in known if models and b not in fingerprints)
        after |= {f"build {b}": "" for b in gone}
        is_same = before.get("models") == after.get("models")
        stale = tuple(b for b, f in fingerprints.items() if not is_same or before.get(f"build {b}") != f)
        return cls(catalog, models, before, after, changed, stale, gone)

    def without(self, set_aside: dict[str, str]) -> Plan:
        """The same without builds that are set aside, whose rows of before go."""
        after = self.after | aside.noted(self.before, set_aside)
        stale = (*self.stale, *(b for b in set_aside if b not in self.stale))
        catalog = aside.without(self.catalog, set_aside)
        changed = self.changed | set_aside.keys() | aside.known(self.before)
        return replace(self, catalog=catalog, after=after, changed=changed, stale=stale, kept=Kept())

    def anew(self) -> Plan:
        """The same where nothing was published before."""
        builds = tuple(
            s.removeprefix("build ") for s, f in self.after.items() if s.startswith("build ") and f
        )
        changed = frozenset(s.removeprefix(ROWS) for s in self.after if s.startswith(ROWS))
        return replace(self, before={}, changed=changed, stale=builds, gone=())

    @property
    def is_from_rows(self) -> bool:
        """Whether what is published has the catalog's tables, so that only those of changed builds change."""
        return any(s.startswith(ROWS) for s in self.before)

    @property
    def is_same_code(self) -> bool:
        """Whether the models are those that made what is published."""
        return self.before.get("models") == self.after.get("models")

    def check_files(self) -> None:
        """Raises DamagedError where a file that is to be read here is not as it was written.

        Where the models are made elsewhere, who makes them looks at what they read.
        """
        stale = set(self.stale)
        captures = self.catalog.captures_of(stale)
        if self.elsewhere is None:
            paths = {p for c in captures for p in c.paths}
        else:
            paths = checked_here(self.catalog, captures)
        if self.catalog.expired(stale):
            paths |= {p for p, kept in self.catalog.condensed.items() if not stale.isdisjoint(kept.builds)}
        for path, fact in self.catalog.damaged(sorted(paths)).items():
            raise DamagedError(
                f"{self.catalog.root / path}: {fact}; `tracemill repair` takes out what cannot be read, "
                "so that it is loaded again"
            )

    @property
    def is_needed(self) -> bool:
        """Whether what is published differs from what would be."""
        return any(self.before.get(s) != f for s, f in self.after.items() if s != "commit")
