"""Profiles for tests: small ones made by hand, and what the reader gives of any."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa

from tests.parsers import reading
from tests.parsers.pprof_messages import Profile


def items_of(path: Path) -> list:
    return reading.items("pprof", path)


def read(path: Path) -> dict[str, pa.Table]:
    return reading.tables(items_of(path))


def rows_of(path: Path) -> tuple[list[dict], dict[int, dict]]:
    tables = read(path)
    stacks = tables["stacks"].to_pylist() if "stacks" in tables else []
    return tables["profile_samples"].to_pylist(), {row["stack_id"]: row for row in stacks}


def frames_of(stack: dict | None) -> tuple:
    return tuple(zip(stack["functions"], stack["files"], stack["lines"], strict=True)) if stack else ()


def labels_in_go_order(row: dict) -> str:
    texts = [f"{k}:[{v}]" for k, v in sorted(row["labels"] or [])]
    units = dict(row["numeric_units"] or [])
    numbers = [f"{k}:[{v}{units.get(k, '')}]" for k, v in sorted(row["numeric_labels"] or [])]
    return " ".join(texts + numbers)


def write(tmp_path: Path, message: object, name: str = "some.pb.gz") -> Path:
    path = tmp_path / name
    path.write_bytes(gzip.compress(message.SerializeToString()))
    return path


def small() -> Profile:
    p = Profile()
    p.string_table.extend([b"", b"samples", b"count", b"main.leaf", b"main.go", b"main.root"])
    p.sample_type.add(type=1, unit=2)
    p.function.add(id=7, name=3, filename=4)
    p.function.add(id=8, name=5, filename=4)
    inner = p.location.add(id=3, address=0x1000)
    inner.line.add(function_id=7, line=10)
    inner.line.add(function_id=8, line=20)
    p.location.add(id=4, address=0x2000).line.add(function_id=8, line=30)
    p.sample.add(location_id=[3, 4], value=[5])
    return p
