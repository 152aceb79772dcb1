"""What many tests share: a folder of artifacts made of real samples."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Two builds of two runs, each with three real profiles, and their work."""
    top = tmp_path / "artifacts"
    for build, commit in (("b1", "aaa"), ("b2", "bbb")):
        for run in ("1", "2"):
            folder = top / build / run
            folder.mkdir(parents=True)
            for name in ("heap", "block", "mutex"):
                shutil.copy(SAMPLES / f"pprof/go1.27/{name}.pb.gz", folder)
            (folder / "run.json").write_text('{"work": {"requests": 100}}')
        (top / build / "build.json").write_text(
            f'{{"commit": "{commit}", "committed_at": "2026-01-0{build[1]}T00:00:00Z", "labels": {{"a": 1}}}}'
        )
    return top
