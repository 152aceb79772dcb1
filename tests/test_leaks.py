"""Leaks of the programs by which Go tests its leak detector: as many as the runtime says, no others."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from examples.toolchain import environment, go
from tests.parsers import gopprof
from tracemill.flows.gate.judge import gate
from tracemill.flows.run import run
from tracemill.warehouse import connect

pytestmark = pytest.mark.full
# Both forms of the profile, one after the other.
BOTH = """package main

import (
	"os"
	"runtime/pprof"
)

func writeBoth(profile *pprof.Profile) {
	for debug, name := range map[int]string{0: "leaks.pb.gz", 2: "leaks.txt"} {
		file, err := os.Create(os.Getenv("OUT") + "/" + name)
		if err != nil {
			panic(err)
		}
		if err := profile.WriteTo(file, debug); err != nil {
			panic(err)
		}
		file.Close()
	}
	os.Exit(0)
}
"""


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build for each program, named for it, with its leak profile as protobuf and as text."""
    top = tmp_path_factory.mktemp("leaks")
    source = top / "source"
    source.mkdir()
    testdata = go("1.27").parents[1] / "src/runtime/testdata/testgoroutineleakprofile"
    for file in [*testdata.glob("*.go"), *(testdata / "goker").glob("*.go")]:
        text = file.read_text().replace("prof.WriteTo(os.Stdout, 2)", "writeBoth(prof)")
        # Some need os only for that.
        (source / file.name).write_text(text + "\nvar _ = os.Stdout\n" if '"os"' in text else text)
    (source / "both.go").write_text(BOTH)
    (source / "go.mod").write_text("module leaks\ngo 1.26\n")
    subprocess.run(
        [go("1.27"), "build", "-o", top / "program", "."], cwd=source, env=environment(), check=True
    )
    names = re.findall(r'register\("(\w+)"', "".join(f.read_text() for f in sorted(source.glob("*.go"))))
    for name in names:
        folder = top / "artifacts" / name / "1"
        folder.mkdir(parents=True)
        # Some of the bugs block the program itself, before it has written anything.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [top / "program", name],
                env=os.environ | {"OUT": str(folder), "GOMAXPROCS": "1"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=20,
                check=False,
            )
        if len(list(folder.iterdir())) < 2:
            shutil.rmtree(folder.parent)
    return top / "artifacts"


def test_every_leak_that_the_runtime_knows_is_counted_and_its_build_regressed(
    artifacts: Path, tmp_path: Path
) -> None:
    names = sorted(folder.name for folder in artifacts.iterdir())
    assert len(names) > 70
    dumped = {name: _dumped(artifacts / name / "1/leaks.txt") for name in names}
    profiled = {name: _profiled(artifacts / name / "1/leaks.pb.gz") for name in names}
    leaking = {name for name in names if dumped[name] or profiled[name]}
    assert "NoLeakGlobal" in set(names) - leaking
    run([artifacts], tmp_path / "w", tmp_path / "exports")
    with connect(tmp_path / "w") as connection:
        query = "select build_id, sum(value)::bigint from observations where metric = $1 group by build_id"
        for metric, known in (("dumped_leak_count", dumped), ("goroutine_leak_count", profiled)):
            found = dict(connection.execute(query, [metric]).fetchall())
            assert found == {name: count for name, count in known.items() if count}
        query = "select distinct build_id from incidents where status = 'regressed'"
        assert {build for (build,) in connection.execute(query).fetchall()} == leaking
    codes = {name: gate(tmp_path / "w", name).exit_code for name in names}
    assert codes == {name: int(name in leaking) for name in names}


def _dumped(dump: Path) -> int:
    """How many goroutines the runtime calls leaked in the text."""
    return len(re.findall(r"^goroutine \d+ \[[^\]]*\(leaked\)", dump.read_text(), re.MULTILINE))


def _profiled(profile: Path) -> int:
    """How many there are in the protobuf, by go tool pprof: a little later or earlier than in the text."""
    return sum(values[0] * count for (values, *_), count in gopprof.raw(profile).samples.items())
