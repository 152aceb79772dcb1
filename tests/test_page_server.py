"""open: the pages on loopback, for this machine's browsers alone, and only to be read."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.conftest import hear_ctrl_c
from tracemill.flows.show.page import Links
from tracemill.flows.show.page_server import Server

from .test_show import Tags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def served(warehouse: Path) -> Iterator[Server]:
    """The pages of a warehouse on a free port."""
    with Server(warehouse, links=Links()) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server(demo: Path) -> Iterator[Server]:
    with served(demo) as one:
        yield one


def asked(
    server: Server, path: str, method: str = "GET", host: str | None = None
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, dict(answer.getheaders())


def test_every_link_of_the_pages_leads_somewhere(server: Server) -> None:
    seen, todo = set(), ["/"]
    while todo:
        path = todo.pop()
        if path in seen or (
            path.startswith("/timeline") and sum(p.startswith("/timeline") for p in seen) > 5
        ):
            continue
        seen.add(path)
        status, text, _ = asked(server, path)
        assert status == 200, path
        todo += [
            str(a["href"]).partition("#")[0]
            for tag, a in Tags(text).seen
            if tag == "a" and a["href"] != "/#builds"
        ]
    assert sum(path.startswith("/incident/") for path in seen) == 5
    assert any(path.startswith("/timeline") for path in seen)


def test_any_two_builds_are_compared_by_any_call_paths(server: Server) -> None:
    status, text, _ = asked(server, "/compare?before=b01&after=b09&metric=cpu_ns")
    assert status == 200
    assert "b01 against b09" in text
    assert text.count('class="f ') > 10
    assert asked(server, "/compare?before=b01&after=b77")[0] == 404
    assert asked(server, "/compare?metric=nothing")[0] == 404


def test_search_finds_incidents_without_a_script(server: Server) -> None:
    text = asked(server, "/?q=Lookup")[1]
    assert text.count("<tr data-id") == 2  # the contention, and where the function was moved
    status, text, _ = asked(server, "/?q=" + quote("<b>no such"))
    assert status == 404
    assert "<b>no" not in text


def test_another_host_name_gets_nothing(server: Server) -> None:
    for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1", "127.0.0.1:1"):
        status, text, _ = asked(server, "/", host=host)
        assert (status, "<html" in text) == (403, False), host
    assert asked(server, "/", host=f"localhost:{server.server_port}")[0] == 200
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(server: Server, method: str) -> None:
    assert asked(server, "/", method)[0] == 501


@pytest.mark.parametrize(
    "path",
    [
        "/nope", "/incident/", "/incident/../../etc/passwd", "/timeline", "/timeline?capture=x", "/%00",
        "/timeline?capture=x&from=-1&to=1e9", "/incident/%3Cscript%3E",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_and_nothing_breaks(server: Server, path: str) -> None:
    status, text, _ = asked(server, path)
    assert status == 404
    assert [tag for tag, _ in Tags(text).seen].count("script") == 1


def test_answers_carry_what_keeps_them_here(server: Server) -> None:
    headers = asked(server, "/")[2]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Python" not in headers["Server"]
    status, text, headers = asked(server, "/", "HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 1000


def test_the_verb_serves_until_it_is_stopped(demo: Path) -> None:
    command = [sys.executable, "-m", "tracemill", "open", "--no-browser", "--warehouse", str(demo)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c) as process:
        assert process.stdout
        address = re.match(r"http://127\.0\.0\.1:(\d+)/ ", process.stdout.readline())
        assert address
        connection = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_a_trace_can_be_walked(server: Server) -> None:
    incident = next(p for p in re.findall(r'href="(/incident/\w+)"', asked(server, "/?q=b08")[1]))
    instant = re.search(r'href="(/timeline[^"]+)"', asked(server, incident)[1])
    assert instant
    page = asked(server, instant[1].replace("&amp;", "&"))[1]
    later = re.search(r'href="([^"]+)">later', page)
    assert later
    assert asked(server, later[1].replace("&amp;", "&"))[0] == 200
