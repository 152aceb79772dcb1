"""A live Go service on loopback, scraped into a run that the warehouse takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from examples.toolchain import environment, go
from tracemill.flows.cli import main
from tracemill.warehouse import connect

SOURCE = Path(__file__).parent / "programs" / "served" / "main.go"
FILES = {
    "heap-1.pb.gz", "heap-1.txt", "goroutines-1.txt", "heap-2.pb.gz", "heap-2.txt", "goroutines-2.txt",
    "allocs.pb.gz", "block.pb.gz", "mutex.pb.gz", "trace.out", "cpu.pb.gz",
}  # fmt: skip


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    target = tmp_path_factory.mktemp("served") / "served"
    subprocess.run([go("1.27"), "build", "-o", target, SOURCE], env=environment(), check=True)
    return target


@pytest.fixture(scope="module")
def address(binary):
    service = subprocess.Popen([binary], stdout=subprocess.PIPE, text=True)
    try:
        yield service.stdout.readline().strip()
    finally:
        service.kill()
        service.wait()


def tracemill(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_a_live_service_becomes_a_run_that_the_warehouse_takes(address, binary, tmp_path):
    artifacts, warehouse = tmp_path / "artifacts", tmp_path / "w"
    done = tracemill("collect", f"http://{address}", "--build", "b1", "--run", "r1", "--seconds", 1,
                     "--artifacts", artifacts)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert {path.name for path in (artifacts / "b1" / "r1").iterdir()} == FILES
    assert [path.name for path in (artifacts / "b1").iterdir()] == ["r1"]
    (artifacts / "b1" / "served").write_bytes(binary.read_bytes())
    done = tracemill("run", artifacts, "--warehouse", warehouse)
    assert done.exit_code == 2, done.output  # one build is loaded, and cannot be judged
    assert "nothing was judged: builds so far 1, 3 must come before one" in done.stdout
    with connect(warehouse) as connection:
        kinds = {kind for (kind,) in connection.execute("select distinct kind from captures").fetchall()}
        assert {"trace", "heap", "block", "mutex", "cpu", "binary"} <= kinds
        evidence = connection.execute("""
            select distinct evidence from mapassign_allocations
            where function = 'main.fill' and callee like '%mapassign%' and alloc_bytes > 0
        """).fetchall()
    assert evidence == [("call_target",)]


def test_a_run_that_is_there_already_is_left_alone(address, tmp_path):
    there = tmp_path / "b1" / "r1"
    there.mkdir(parents=True)
    done = tracemill("collect", address, "--build", "b1", "--run", "r1", "--artifacts", tmp_path)
    assert done.exit_code == 2
    assert "that run is there already" in done.output
    assert not list(there.iterdir())


@pytest.mark.parametrize("name", ["../b", "a/b", ".hidden", ""])
def test_a_build_is_a_folder_of_the_artifacts(address, tmp_path, name):
    done = tracemill("collect", address, "--build", name, "--artifacts", tmp_path / "a")
    assert done.exit_code == 2
    assert "a folder's name" in done.output
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("url", "fact"),
    [
        ("http://{address}/elsewhere", "sends elsewhere"),
        ("http://127.0.0.1:1", "Connection refused"),
        ("file:///etc/passwd", "not the address of a service"),
    ],
)
def test_nothing_to_be_had_is_told_and_leaves_nothing(address, tmp_path, url, fact):
    done = tracemill("collect", url.format(address=address), "--build", "b", "--seconds", 1,
                     "--artifacts", tmp_path)  # fmt: skip
    assert done.exit_code == 2
    assert fact in done.output
    assert not [path for path in tmp_path.rglob("*") if path.name != "b"]


def test_a_missing_endpoint_does_not_stop_the_others(address, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "tracemill.flows.loading.collect._SUMS", {"allocs.pb.gz": "allocs", "none.pb.gz": "nosuch"}
    )
    done = tracemill(
        "collect", address, "--build", "b", "--run", "r", "--seconds", 1, "--artifacts", tmp_path
    )
    assert done.exit_code == 1
    assert "nosuch: HTTP Error 404" in done.output
    assert (tmp_path / "b" / "r" / "allocs.pb.gz").stat().st_size
    assert not (tmp_path / "b" / "r" / "none.pb.gz").exists()


def test_parts_of_a_second_are_refused(tmp_path):
    """net/http/pprof would make a CPU profile of half a minute of them."""
    done = tracemill("collect", "localhost:1", "--build", "b", "--seconds", 1.5, "--artifacts", tmp_path)
    assert (done.exit_code, "'1.5' is not a valid integer" in done.output) == (2, True), done.output
