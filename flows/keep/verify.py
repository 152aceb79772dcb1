"""Verify: is every byte of a warehouse as it was written?

Each file that the manifests list is compared with the size and SHA-256 that it was written with; of files
from before there were any, every page is read. The log of commits is checked link by link, and the published
file is read to its end. Nothing is changed, and no lock is taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracemill.warehouse import manifests, parts
from tracemill.warehouse.address import no_warehouse
from tracemill.warehouse.cached import cache_of, refresh
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.connection import bring_published, published_commit
from tracemill.warehouse.durable import replace_file
from tracemill.warehouse.errors import DamagedError, WarehouseError
from tracemill.warehouse.layout import DATABASE, LOG, MANIFEST
from tracemill.warehouse.published import damage_of

if TYPE_CHECKING:
    from pathlib import Path


# How far the last verification came: what was committed before need not be read again with is_new.
VERIFIED = "verified.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """One file that is not as it was written: its path in the warehouse, and what is wrong with it."""

    path: str
    fact: str


@dataclass(slots=True)
class Verified:
    """What was read, and what is wrong: with the log, with files of captures, with the published file."""

    log: list[Finding] = field(default_factory=list)
    files: list[Finding] = field(default_factory=list)
    published: list[Finding] = field(default_factory=list)
    commit: int = 0
    file_count: int = 0
    bytes_read: int = 0
    # Files from before there were checksums
    unsummed: int = 0

    @property
    def findings(self) -> list[Finding]:
        """All of them."""
        return [*self.log, *self.files, *self.published]


def verify(root: Path, *, is_new: bool = False) -> Verified:
    """Read the warehouse and tell what is not as it was written.

    is_new: of the captures' files only those that came since the last verification. Raises WarehouseError
    where there is no warehouse.
    """
    done = Verified()
    refresh(root, anew=True)
    done.log = _damaged_commits(root)
    try:
        _read(root, done, is_new=is_new)
    except DamagedError as error:
        if not done.log:
            done.log.append(Finding(MANIFEST, str(error)))
        return done
    if not done.findings:
        replace_file(root / VERIFIED, json.dumps({"commit": done.commit}).encode())
    return done


def _read(root: Path, done: Verified, *, is_new: bool) -> None:
    """Read what the log lists, and what is published. Raises DamagedError where the log cannot be read."""
    catalog = Catalog.load(root)
    if not catalog.position.number and not catalog.captures:
        raise no_warehouse(root)
    done.commit = catalog.position.number
    listed = sorted(catalog.listed())
    if is_new:
        new = _put_since(root, _verified_commit(root))
        listed = [path for path in listed if new is None or path in new]
    _check_files(catalog, listed, done)
    done.published = _damage_of_published(root, catalog)


def _damaged_commits(root: Path) -> list[Finding]:
    """The files of the log that are not as they were written."""
    found = []
    for file in sorted((root / LOG).glob("[0-9]*.json")):
        try:
            manifests.unseal(file)
        except WarehouseError as error:
            found.append(Finding(f"{LOG}/{file.name}", str(error).removeprefix(f"{file}: ")))
        except FileNotFoundError:  # pruned meanwhile
            continue
    if not found:
        damaged = parts.damaged(root, manifests.named_parts(root))
        found += [Finding(path, fact) for path, fact in damaged.items()]
    return found


def _check_files(catalog: Catalog, paths: list[str], done: Verified) -> None:
    """Read the files and note which are not as they were written."""
    facts = catalog.damaged(paths, in_store=True)
    for path in paths:
        if path not in facts and path not in catalog.files:
            done.unsummed += 1
            catalog.require([path])
            if fact := _fault_of_pages(catalog.root / path):
                facts[path] = fact
        done.bytes_read += _size(catalog, path) if facts.get(path) != "missing" else 0
    done.file_count = len(paths)
    done.files = [Finding(path, facts[path]) for path in paths if path in facts]


def _size(catalog: Catalog, path: str) -> int:
    known = catalog.files.get(path)
    return known.size_bytes if known else (catalog.root / path).stat().st_size


def _fault_of_pages(file: Path) -> str:
    """What is wrong with a Parquet file whose checksum nobody knows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_table(file, page_checksum_verification=True, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        return f"cannot be read: {str(error).splitlines()[0]}"
    return ""


def _damage_of_published(root: Path, catalog: Catalog) -> list[Finding]:
    """What is wrong with the published file, and with what it reads."""
    if (cache := cache_of(root)) and (fact := cache.published.fault()):
        return [Finding(DATABASE, fact)]
    bring_published(root)
    if not (root / DATABASE).is_file():
        fact = "missing; the next `tracemill build` makes it"
        return [Finding(DATABASE, fact)] if catalog.captures else []
    if fact := damage_of(root / DATABASE, root):
        return [Finding(DATABASE, fact)]
    commit = published_commit(root)
    if not commit or commit == catalog.position.number:
        return []
    try:
        needed = Catalog.load(root, at=commit).listed() - catalog.listed()
    except DamagedError:
        return []  # which is told as damage of the log
    facts = catalog.damaged(sorted(needed), in_store=True)
    return [Finding(path, "missing, and still published") for path, f in facts.items() if f == "missing"]


def _verified_commit(root: Path) -> int:
    try:
        return int(json.loads((root / VERIFIED).read_bytes())["commit"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _put_since(root: Path, commit: int) -> set[str] | None:
    """The files of the commits after this one; None where the log does not go back so far."""
    numbers, _ = manifests.listing(root)
    if not commit or not numbers or numbers[0] > commit + 1:
        return None
    later = (manifests.read_commit(root, number) for number in numbers if number > commit)
    return {path for c in later for path in c.change.put.get("files", {})}
