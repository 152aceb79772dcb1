"""Traces for the tests: the committed samples, and recordings made on first use."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.exectrace.record import SAMPLES, VERSIONS


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> dict[str, Path]:
    """The samples unpacked, by Go version."""
    folder = tmp_path_factory.mktemp("samples")
    for version in VERSIONS:
        packed = SAMPLES / f"mixed-{version}.trace.gz"
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return {version: folder / f"mixed-{version}.trace" for version in VERSIONS}
