"""A proxy before a store on loopback (stores.py) that fails as networks and servers do."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = "bucket"
SECRET = "a-secret-that-nobody-prints"


@dataclass
class Faults:
    """What the proxy does to a request. of: given method and path, the fault, or nothing.

    "503": refuses it; "slow": answers after a while; "cut": sends half of the answer; "lost": has it done,
    and closes the connection; "held": waits until released; "stopped": waits, and is never done.
    """

    of: Callable[[str, str], str | None] = lambda _method, _path: None
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    slow_seconds: float = 1.5

    def first(self, count: int, fault: str, method: str = "", part: str = "") -> None:
        """Let the first requests of this kind have a fault."""
        left = [count]

        def of(verb: str, path: str) -> str | None:
            if left[0] and verb.startswith(method) and part in path:
                left[0] -= 1
                return fault
            return None

        self.of = of

    def always(self, fault: str, method: str = "", part: str = "") -> None:
        """Let all requests of this kind have a fault."""
        self.of = lambda verb, path: fault if verb.startswith(method) and part in path else None

    def none(self) -> None:
        """Let everything through."""
        self.of = lambda _method, _path: None
        self.seen.clear()
        self.release.set()
        self.held, self.release = threading.Event(), threading.Event()

    def count(self, method: str, part: str) -> int:
        """How many requests of this kind there were."""
        return sum(verb == method and part in path for verb, path, _ in self.seen)


Change: TypeAlias = "Callable[[dict[str, str]], None]"


def _as_it_is(_headers: dict[str, str]) -> None:
    pass


class Proxy(ThreadingHTTPServer):
    """Hands requests on to a server on loopback, with faults; asked and answered change their headers."""

    daemon_threads = True

    def __init__(self, target: str, asked: Change = _as_it_is, answered: Change = _as_it_is) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.asked, self.answered = urlsplit(target).netloc, asked, answered
        self.faults = Faults()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that were killed."""

    @property
    def address(self) -> str:
        """Where it is to be found."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        faults = self.server.faults
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(self.path)
        fault = faults.of(self.command, path)
        faults.seen.append((self.command, path, fault))
        if fault == "503":
            self._answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
            return
        if fault == "slow":
            time.sleep(faults.slow_seconds)
        if fault in {"held", "stopped"}:
            faults.held.set()
            faults.release.wait(60)
        if fault == "stopped":
            self.close_connection = True
            return
        # As it was sent: the signature covers the host.
        upstream = http.client.HTTPConnection(self.server.target, timeout=60)
        headers = dict(self.headers)
        self.server.asked(headers)
        upstream.request(self.command, self.path, content, headers)
        answer = upstream.getresponse()
        body, headers = answer.read(), dict(answer.getheaders())
        self.server.answered(headers)
        upstream.close()
        if fault == "lost":
            self.close_connection = True
            self.connection.close()
            return
        self._answer(answer.status, headers, body, is_cut=fault == "cut")

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, is_cut: bool = False) -> None:
        self.send_response_only(status)
        length = headers.get("Content-Length", str(len(body))) if self.command == "HEAD" else str(len(body))
        for name, value in headers.items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if is_cut else body)
        if is_cut:
            self.wfile.flush()
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass
