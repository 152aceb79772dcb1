"""A warehouse in a bucket, as several machines see it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from tests.conftest import SAMPLES
from tracemill.flows.cli import main
from tracemill.flows.show.export import export
from tracemill.warehouse import remote
from tracemill.warehouse.address import folder_of
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.catalog import Catalog

if TYPE_CHECKING:
    from pathlib import Path


# Of the others, but for these tests, only the long run makes sure.
of_each_store = pytest.mark.parametrize("store", ["s3", "gs", "az"], indirect=True, scope="module")


def machine(tmp_path: Path, place: str, name: str = "a") -> Path:
    """The cache that a machine of this name has of the warehouse."""
    return folder_of(place, tmp_path / f"cache-{name}")


def artifacts_of(top: Path, build: str, *names: str) -> Path:
    folder = top / build / "1"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or ("heap",):
        shutil.copy(SAMPLES / f"pprof/go1.27/{name}.pb.gz", folder)
    return top


def objects(root: Path) -> dict[str, str]:
    """What lies in the store: path → e-tag."""
    return {entry.path: entry.version.mark for entry in of(root).entries("")}


def of(root: Path) -> remote.Remote:
    found = cache_of(root)
    assert found is not None
    return found.remote


def captures(root: Path) -> list[str]:
    return sorted(c.capture_id for c in Catalog.load(root).captures.values())


def flip(root: Path, path: str) -> None:
    content, _ = of(root).get(path)
    of(root).put(path, content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def exported(root: Path, folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in export(root, folder) if file.suffix in {".csv", ".json"}}


def ask(place: str, caches: Path, *words: object) -> Result:
    env = {"TRACEMILL_CACHE": str(caches)}
    return CliRunner(env=env).invoke(main, [*map(str, words), "--warehouse", place])
