"""Call stacks interned by content: the same stack has the same id in every capture and build.

Emits ``stacks``. ``stack_id`` hashes (function, file, line)s, ``path_id`` the
function names alone, so that it survives shifted lines. Both are signed 64-bit
integers (BLAKE2b, 8 bytes, little endian); an empty stack has no id.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from parsers.api import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def hash_text(text: str) -> int:
    """Signed 64-bit hash of a text."""
    digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def stack_ids(functions: Sequence[str], files: Sequence[str], lines: Sequence[int]) -> tuple[int, int]:
    """(stack_id, path_id) of frames, leaf first."""
    frames = "\n".join(f"{f}\0{p}\0{n}" for f, p, n in zip(functions, files, lines, strict=True))
    return hash_text(frames), hash_text("\n".join(functions))


class StackTable:
    """The distinct stacks of one capture; add() while parsing, batches() at the end."""

    def __init__(self) -> None:
        self._rows: dict[
            int, tuple[int, tuple[str, ...], tuple[str, ...], tuple[int, ...], tuple[int, ...]]
        ] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        functions: Sequence[str],
        files: Sequence[str],
        lines: Sequence[int],
        pcs: Sequence[int] = (),
    ) -> int | None:
        """The stack's id; None for no frames. All sequences leaf first; pcs unsigned addresses."""
        if not functions:
            return None
        stack_id, path_id = stack_ids(functions, files, lines)
        if stack_id not in self._rows:
            self._rows[stack_id] = (path_id, tuple(functions), tuple(files), tuple(lines), tuple(pcs))
        return stack_id

    def batches(self, rows_per_batch: int = 65536) -> Iterator[Batch]:
        """The ``stacks`` rows."""
        import pyarrow as pa

        from warehouse.schema import TABLES

        schema = TABLES["stacks"].arrow_schema()
        rows = [
            {"stack_id": i, "path_id": p, "functions": f, "files": s, "lines": n, "pcs": a}
            for i, (p, f, s, n, a) in self._rows.items()
        ]
        for start in range(0, len(rows), rows_per_batch):
            yield Batch("stacks", pa.RecordBatch.from_pylist(rows[start : start + rows_per_batch], schema))
