"""Each kind of evidence is inspected and ingested from real samples of at least three Go versions.

docs/formats.md has the same table; tests/samples/README.md says how each sample was made.
"""

from __future__ import annotations

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracemill.flows.build import publish_tables
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.show.inspect import inspect
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse import connect

SAMPLES = Path(__file__).parents[1] / "samples"
TRACES = Path(__file__).parents[1] / "exectrace" / "samples"
DOCS = Path(__file__).parents[2] / "docs" / "formats.md"


@dataclass(frozen=True)
class Row:
    """A row of the table: what it is, its samples, and the kinds and tables that must come of them."""

    name: str
    samples: str
    kinds: str
    tables: str
    folder: Path = SAMPLES

    @property
    def files(self) -> dict[str, list[Path]]:
        """Samples by Go version."""
        found: dict[str, list[Path]] = {}
        for pattern in self.samples.split():
            for path in sorted(self.folder.glob(pattern)):
                version = re.search(r"1\.\d\d", str(path.relative_to(self.folder)))
                found.setdefault(version[0] if version else "", []).append(path)
        return dict(sorted(found.items()))


ROWS = [
    Row("execution trace", "*.trace.gz", "trace", "goroutine_cycles trace_ranges stacks", TRACES),
    Row(
        "pprof protobuf",
        "pprof/go*/*",
        "heap allocs block mutex cpu goroutine threadcreate custom",
        "profile_samples profile_mappings stacks",
    ),
    Row(
        "legacy text, debug=1",
        "legacy_profile/go*/*",
        "heap_text block_text mutex_text goroutine_text threadcreate_text custom_text",
        "profile_samples stacks",
    ),
    Row(
        "goroutine dump, debug=2",
        "goroutine_dump/go*/goroutines.txt",
        "goroutine_dump",
        "goroutine_dump stacks",
    ),
    Row("crash report", "goroutine_dump/go*/*.*.txt", "crash_report", "goroutine_dump stacks"),
    Row("go test -bench", "benchmarks/go*/bench.txt", "benchmarks", "benchmarks"),
    Row("go test -bench -json", "benchmarks/go*/bench.json", "benchmarks", "benchmarks"),
    Row("go build -gcflags=-m, -m=2", "escapes/go*/*", "escapes", "escapes"),
    Row("go build -gcflags=-S", "listing/go*/S.txt", "listing", "listing_calls"),
    Row("go tool objdump", "listing/go*/objdump.txt", "listing", "call_sites"),
    Row("the build's binary", "binary/go*/*", "binary", "binaries binary_functions call_sites"),
    Row("GODEBUG=gctrace=1", "gctrace/go*/*", "gctrace", "gc_cycles"),
    Row("go vet -json", "findings/go*/*", "vet", "static_findings"),
]
ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
SARIF = sorted(SAMPLES.glob("findings/sarif-2.1.0/*"))


def laid_out(row: Row, folder: Path) -> dict[str, list[Path]]:
    """The row's samples as artifacts, a build for each Go version; binaries packed as they would be kept."""
    builds: dict[str, list[Path]] = {}
    for version, files in row.files.items():
        run = folder / f"go{version}" / "1"
        run.mkdir(parents=True)
        for path in files:
            if row.name == "the build's binary":
                target = run.parent / f"{path.stem}.gz"
                target.write_bytes(gzip.compress(Source(path).read(), 1))
            else:
                target = Path(shutil.copy(path, run))
            builds.setdefault(f"go{version}", []).append(target)
    return builds


@ROW
@pytest.mark.sampled
def test_row_is_inspected_and_ingested_from_three_go_versions(row, tmp_path):
    builds = laid_out(row, tmp_path / "artifacts")
    assert len(builds) >= 3
    kinds: dict[str, set[str]] = {}
    for build, files in builds.items():
        for path in files:
            (found,) = inspect(path)
            assert not [i for i in found.issues if i.severity == "data_loss"], path
            assert all(found.rows.get(table) for table in row.tables.split()), path
            kinds.setdefault(build, set()).add(found.facts.kind or found.format)
    assert all(found == set(row.kinds.split()) for found in kinds.values())
    done = ingest([tmp_path / "artifacts"], tmp_path / "warehouse", processes=1)
    assert not done.failures
    publish_tables(tmp_path / "warehouse")
    with connect(tmp_path / "warehouse") as con:
        loaded = con.execute("select build_id, list(distinct kind order by kind) from captures group by all")
        assert dict(loaded.fetchall()) == {build: sorted(found) for build, found in kinds.items()}
        for table in row.tables.split():
            if table != "stacks":
                rows = con.execute(
                    f"select count(distinct build_id) from {table} join captures using (capture_id)"
                )
                assert rows.fetchone() == (len(builds),)


@pytest.mark.parametrize("path", SARIF, ids=lambda path: path.stem)
def test_sarif_is_inspected_and_ingested(path, tmp_path):
    assert [found.facts.kind for found in inspect(path)] == ["sarif"]
    run = tmp_path / "artifacts/b1/1"
    run.mkdir(parents=True)
    shutil.copy(path, run)
    assert not ingest([tmp_path / "artifacts"], tmp_path / "warehouse", processes=1).failures
    publish_tables(tmp_path / "warehouse")
    with connect(tmp_path / "warehouse") as con:
        assert con.execute("select count(*) > 2 from static_findings").fetchone() == (True,)


@ROW
def test_the_docs_name_the_versions_of_the_samples(row):
    versions = ", ".join(row.files)
    kinds = ", ".join(row.kinds.split())
    assert f"| {row.name} | {kinds} | {versions} |" in DOCS.read_text()
