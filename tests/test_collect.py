"""A live Go service on loopback, scraped into a run that the warehouse takes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from examples.toolchain import environment, go
from tracemill.flows.cli import main
from tracemill.warehouse import connect

SOURCE = Path(__file__).parent / "programs" / "served" / "main.go"
FILES = {
    "heap-1.pb.gz", "heap-1.txt", "goroutines-1.txt", "heap-2.pb.gz", "heap-2.txt", "goroutines-2.txt",
    "block-1.pb.gz", "block-2.pb.gz", "mutex-1.pb.gz", "mutex-2.pb.gz", "allocs.pb.gz", "trace.out",
    "cpu.pb.gz", "goroutineleak.pb.gz",
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


class Odd(BaseHTTPRequestHandler):
    """A service that answers to those who have the word, and is odd otherwise."""

    def do_GET(self):
        if self.headers["X-Word"] != "secret":
            self.send_error(401)
        elif self.path.endswith("/heap"):
            self.reply(b"cut", announced=100)
        elif self.path.endswith("/allocs"):
            for _ in range(20):
                self.reply(b"x", announced=100)
                time.sleep(0.2)
        elif self.path == "/debug/vars":
            self.reply(json.dumps({"memstats": {"Alloc": 1, "NumGC": 2, "HeapAlloc": 3}}).encode())
        elif self.path == "/metrics":
            self.reply(b"<html>the program's page</html>")
        else:
            self.reply(b"goroutine 1 [running]:\nmain.main()\n\t/app/main.go:1 +0x1\n")

    def reply(self, body: bytes, announced: int = 0) -> None:
        if not hasattr(self, "is_begun"):
            self.is_begun = True
            self.send_response(200)
            self.send_header("Content-Length", str(announced or len(body)))
            self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def odd():
    service = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{service.server_port}"
    finally:
        service.shutdown()
        service.server_close()


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
    assert done.exit_code == 0, done.output  # leaks are judged from the first build on
    assert "judged: goroutine_leak_count, looked for in 1 build: none" in done.stdout
    with connect(warehouse) as connection:
        kinds = {kind for (kind,) in connection.execute("select distinct kind from captures").fetchall()}
        assert {"trace", "heap", "block", "mutex", "cpu", "goroutineleak", "binary"} <= kinds
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


def test_a_password_in_the_address_is_refused_and_not_shown(tmp_path):
    done = tracemill("collect", "http://me:hush@127.0.0.1:1", "--build", "b1", "--artifacts", tmp_path / "a")
    assert done.exit_code == 2
    assert "TRACEMILL_COLLECT_HEADERS" in done.output
    assert "hush" not in done.output


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
    assert not list(tmp_path.iterdir())


def test_a_missing_endpoint_does_not_stop_the_others(address, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "tracemill.flows.loading.collect._ALLOCS", {"allocs.pb.gz": "allocs", "none.pb.gz": "nosuch"}
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


@pytest.mark.full
def test_what_is_cut_or_does_not_end_is_refused_and_metrics_are_taken_where_they_are(
    odd, tmp_path, monkeypatch
):
    monkeypatch.setenv("TRACEMILL_COLLECT_HEADERS", "X-Word: secret\n")
    monkeypatch.setattr("tracemill.flows.loading.scrape.PATIENCE_SECONDS", 1.0)
    done = tracemill("collect", odd, "--build", "b", "--run", "r", "--seconds", 1,
                     "--also", "/debug/flight", "--artifacts", tmp_path)  # fmt: skip
    assert done.exit_code == 1, done.output
    assert "heap: ended after 3 of 100 bytes" in done.output
    assert "allocs: not finished after 1 s" in done.output
    assert "secret" not in done.output
    names = {path.name for path in (tmp_path / "b" / "r").iterdir()}
    assert {"also-1", "expvar.json", "heap-1.txt"} <= names
    assert names.isdisjoint({"metrics.txt", "allocs.pb.gz", "heap-1.pb.gz", "goroutineleak.pb.gz"})


@pytest.mark.parametrize(
    ("headers", "also", "fact"),
    [
        ("", (), "HTTP Error 401"),
        ("X-Word secret", (), "header 1 is none"),
        ("X-Word: secret", ("http://192.0.2.1/",), "no path on the service"),
        ("X-Word: secret", ("//192.0.2.1/",), "no path on the service"),
    ],
)
def test_headers_are_sent_to_the_service_alone_and_never_printed(
    odd, tmp_path, monkeypatch, headers, also, fact
):
    monkeypatch.setenv("TRACEMILL_COLLECT_HEADERS", headers)
    done = tracemill("collect", odd, "--build", "b", "--seconds", 1, "--artifacts", tmp_path,
                     *(word for path in also for word in ("--also", path)))  # fmt: skip
    assert done.exit_code == 2
    assert fact in done.output
    assert "secret" not in done.output
    assert not list(tmp_path.iterdir())


def test_a_service_without_tls_is_said_to_have_none(odd, tmp_path):
    done = tracemill("collect", f"https://{odd}", "--build", "b", "--seconds", 1, "--artifacts", tmp_path)
    assert done.exit_code == 2
    assert "no TLS there" in done.output


def test_what_stopped_runs_left_is_removed(address, tmp_path):
    old, new = tmp_path / "b" / ".collect-old", tmp_path / "b" / ".collect-new"
    for part in (old, new):
        part.mkdir(parents=True)
    os.utime(old, (0, 0))
    tracemill("collect", address, "--build", "b", "--run", "r", "--seconds", 1, "--artifacts", tmp_path)
    assert {path.name for path in (tmp_path / "b").iterdir()} == {".collect-new", "r"}
