"""What the recorders of examples/ have in common: running Go, packing, folders, a word on progress."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(
    command: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    stream: str = "stdout",
    expected: Sequence[int] = (0,),
) -> str:
    """Run command in folder; return its stdout, stderr, or both. Another exit code ends this program."""
    done = subprocess.run(command, cwd=folder, env=variables, check=False, capture_output=True)
    if done.returncode not in expected:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.decode()[-2000:]}")
    written = {"stdout": done.stdout, "stderr": done.stderr, "both": done.stdout + done.stderr}
    # A profile on stdout is no text; only text is used by the callers.
    return written[stream].decode(errors="replace")


def tree_hash(source: Path) -> str:
    """Return a hash of all of source's files, which stands for a commit: same tree, same hash."""
    digest = hashlib.sha1(usedforsecurity=False)
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(source)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def pack_xz(data: bytes, path: Path, *, is_code: bool = False) -> None:
    """Write data to path as xz, with the filter for x86 code where it is such."""
    filters: list[dict[str, int]] = [{"id": lzma.FILTER_X86}] if is_code else []
    filters.append({"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME})
    path.write_bytes(lzma.compress(data, filters=filters))


def pack_gzip(data: bytes, path: Path) -> None:
    """Write data to path as gzip, without the time, so that the same data is the same file."""
    path.write_bytes(gzip.compress(data, mtime=0))


def fresh_folder(folder: Path) -> Path:
    """Return folder, made empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder.resolve()


def say(line: str) -> None:
    """Print a line of progress at once."""
    print(line, flush=True)
