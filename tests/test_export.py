"""The exports: a schema that is kept, OpenMetrics that parses, and files that follow the warehouse."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from prometheus_client.openmetrics import parser

from tracemill.flows.cli import main
from tracemill.flows.show.export import export, replace_whole, schema
from tracemill.flows.show.openmetrics import write_openmetrics
from tracemill.warehouse.durable import place, replace_file
from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.schema import EXPORTS_VERSION

from .models.story import PUT, story

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = Path(__file__).with_name("exports_schema.json")


def tracemill(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def test_no_column_of_the_promised_schema_is_gone_or_changed() -> None:
    kept, now = json.loads(KEPT.read_text()), json.loads(schema())
    assert now["version"].partition(".")[0] == kept["version"].partition(".")[0]
    for name, table in kept["tables"].items():
        assert now["tables"][name]["grain"] == table["grain"], name
        columns = {c["name"]: (c["type"], c["unit"]) for c in now["tables"][name]["columns"]}
        for column in table["columns"]:
            assert columns.get(column["name"]) == (column["type"], column["unit"]), (name, column["name"])


def test_parquet_carries_the_version_and_folders_are_made(artifacts: Path, tmp_path: Path) -> None:
    assert tracemill("run", artifacts, "--warehouse", tmp_path / "w").exit_code == 2  # too few builds
    done = tracemill("export", tmp_path / "e", "--format", "parquet", "--warehouse", tmp_path / "w")
    assert done.exit_code == 0
    metadata = pq.read_schema(tmp_path / "e/builds.parquet").metadata
    assert metadata[b"tracemill_exports_version"].decode() == EXPORTS_VERSION
    assert json.loads((tmp_path / "e/schema.json").read_text())["version"] == EXPORTS_VERSION
    assert not (tmp_path / "e/tracemill.openmetrics").exists()
    made = tracemill("report", tmp_path / "new/folder/r.html", "--warehouse", tmp_path / "w")
    assert (made.exit_code, (tmp_path / "new/folder/r.html").is_file()) == (0, True)


@pytest.mark.full
def test_openmetrics_parses_and_has_the_verdicts(tmp_path: Path) -> None:
    given = story()
    given.tables["build_manifests"].append(
        {"build_id": "b4", "commit": 'a"b\\n\n# EOF', "branch": None, "labels": []}
    )
    with given.models() as connection, (tmp_path / "m").open("w") as out:
        write_openmetrics(connection, out)
    families = {f.name: f for f in parser.text_string_to_metric_families((tmp_path / "m").read_text())}
    verdicts = [s.labels for s in families["tracemill_verdict_change_ratio"].samples]
    assert ("b4", PUT, "regressed", "false") in {
        (v["build_id"], v["subject"], v["status"], v["is_accepted"]) for v in verdicts
    }
    commits = {s.labels["build_id"]: s.labels.get("commit") for s in families["tracemill_build"].samples}
    assert commits["b4"] == 'a"b\\n\n# EOF'
    assert {s.labels["build_id"] for s in families["tracemill_value"].samples} == {"b12"}


@pytest.mark.full
def test_exports_that_are_older_than_the_warehouse_are_written_anew(artifacts: Path, tmp_path: Path) -> None:
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", artifacts, *where).exit_code == 2
    report = tmp_path / "w/exports/report.html"
    first = report.stat().st_mtime_ns
    assert tracemill("run", artifacts, *where).exit_code == 2
    assert report.stat().st_mtime_ns == first
    assert tracemill("build", "--full", *where).exit_code == 0
    assert tracemill("run", artifacts, *where).exit_code == 2
    assert report.stat().st_mtime_ns > first


def test_without_a_warehouse_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError):
        export(tmp_path / "none", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def write_page(path: Path, content: bytes) -> None:
    def write(out: BinaryIO) -> None:
        out.write(content)

    replace_whole(path, write)


@pytest.mark.parametrize("write", [write_page, place, replace_file], ids=lambda f: f.__name__)
def test_a_file_that_cannot_be_written_is_named_as_it_was_asked_for(
    write: Callable[[Path, bytes], None], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file/x.html", Path("/proc/x.html")):
        with pytest.raises(OSError) as raised:
            write(path, b"x")
        assert raised.value.filename in (str(path), str(path.parent))
    with pytest.raises(OSError, match="No space") as raised:
        write_without_room(write, tmp_path / "page.html")
    assert raised.value.filename == str(tmp_path / "page.html")


def write_without_room(write: Callable[[Path, bytes], None], path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", full)
        write(path, b"x")
