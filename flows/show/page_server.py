"""The pages browsed on loopback: incidents, any two builds' call paths, any instant of a trace.

It only reads, and each request sees the newest state of the warehouse. It answers nobody but this machine's
browsers: the Host of a request must be the loopback address; a name that somebody points here gets nothing.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tracemill.flows.names import NoSuchNameError, require
from tracemill.flows.show.card import card, compare_stacks, lanes_in
from tracemill.flows.show.card_incident import choose, incidents, points
from tracemill.flows.show.lanes import Window
from tracemill.flows.show.lanes_drawing import drawing
from tracemill.flows.show.page import (
    Links,
    flame_note,
    flame_of,
    flame_title,
    incident_page,
    instants,
    render,
)
from tracemill.flows.show.report import Basis, index_page
from tracemill.flows.show.timeline import NoTimelineError
from tracemill.warehouse import connect
from tracemill.warehouse.queries import ask, ask_column
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

LOOPBACK = "127.0.0.1"
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_log = logging.getLogger(__name__)


class _Capture(NamedTuple):
    capture_id: str
    build_id: str
    path: str
    duration_ns: int | None


class Server(ThreadingHTTPServer):
    """Serves the pages of a warehouse on a free port of the loopback address."""

    daemon_threads = True

    def __init__(self, warehouse: Path, port: int = 0, links: Links | None = None) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.warehouse = warehouse
        self.links = replace(links or Links.configured(), is_served=True)
        self.hosts = {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    @property
    def address(self) -> str:
        """Where it is to be found."""
        return f"http://{LOOPBACK}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "tracemill", ""

    def do_GET(self) -> None:
        """Answer with a page."""
        status, page = self._page()
        body = page.encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _page(self) -> tuple[int, str]:
        if self.headers.get("Host") not in self.server.hosts:
            return 403, "only this machine's own address is answered\n"
        address = urlsplit(self.path)
        values = {name: found[-1] for name, found in parse_qs(address.query).items()}
        try:
            with connect(self.server.warehouse) as connection:
                return 200, page_of(connection, unquote(address.path), values, self.server.links)
        except (NoSuchNameError, NoTimelineError) as error:
            return 404, _message("Not here", str(error))
        except TracemillError as error:
            return 503, _message("Not now", str(error))
        except Exception:  # noqa: BLE001 - a page that fails says so, and the others go on
            _log.exception("page failed: %s", self.path)
            return 500, _message("This page failed", "The terminal that tracemill runs in says why.")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say what was asked for only where inputs are logged, too."""
        _log.info(format, *args)


def page_of(connection: duckdb.DuckDBPyConnection, path: str, values: dict[str, str], links: Links) -> str:
    """The page at an address. Raises NoSuchNameError, NoTimelineError for one that is not there."""
    if path == "/":
        return _index(connection, values.get("q", ""))
    if path == "/compare":
        return _compare(connection, values)
    if path == "/timeline":
        return _timeline(connection, values, links)
    kind, _, name = path.strip("/").partition("/")
    if kind == "incident":
        return _incident(connection, name, links)
    raise NoSuchNameError(f"no page {path!r}; there is /, /incident/ID, /compare and /timeline")


def _around(query: str = "") -> dict[str, object]:
    nav = (("incidents", "/"), ("compare builds", "/compare"), ("builds", "/#builds"))
    return {"nav": nav, "is_served": True, "query": query}


def _message(title: str, text: str) -> str:
    return render("message.html", title=title, text=text, **_around())


def _index(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    known = incidents(connection)
    chosen = choose(known, query.split(), ask_column(connection, "verdicts/known_builds"))
    return index_page(
        Basis.of(connection),
        chosen,
        points(connection),
        lambda i: f"/incident/{quote(i.incident_id)}",
        articles=[],
        around=_around(query),
    )


def _incident(connection: duckdb.DuckDBPyConnection, name: str, links: Links) -> str:
    known = {i.incident_id: i for i in incidents(connection)}
    require(name, "incident", list(known))
    incident = known[name]
    series = points(connection).get((incident.metric, incident.first_subject), [])
    return incident_page(card(connection, incident, series), links, **_around())


def _compare(connection: duckdb.DuckDBPyConnection, values: dict[str, str]) -> str:
    builds = ask_column(connection, "verdicts/known_builds")
    metrics = ask_column(connection, "show/stack_metrics")
    if len(builds) < 2 or not metrics:
        raise NoSuchNameError("two builds with stacks are needed to compare")
    before, after = values.get("before", builds[-2]), values.get("after", builds[-1])
    metric = values.get("metric", "block_ns" if "block_ns" in metrics else metrics[0])
    for build in (before, after):
        require(build, "build", builds)
    require(metric, "metric", metrics)
    stacks = compare_stacks(connection, metric, before, after)
    return render(
        "compare.html",
        title=flame_title(stacks) or f"{before} against {after}",
        builds=builds,
        metrics=metrics,
        before=before,
        after=after,
        metric=metric,
        flame=flame_of(stacks),
        note=flame_note(stacks),
        **_around(),
    )


def _timeline(connection: duckdb.DuckDBPyConnection, values: dict[str, str], links: Links) -> str:
    captures = {c.capture_id: c for c in ask(connection, "show/traces", _Capture, build=None)}
    require(values.get("capture", ""), "trace", list(captures))
    capture = captures[values["capture"]]
    start = _number(values, "from") or 0
    end = _number(values, "to") or capture.duration_ns or start + 1
    window = Window(
        capture.capture_id,
        capture.path,
        start,
        max(end, start + 1),
        _number(values, "goroutine"),
        title=f"{capture.path} from {start / 1e6:.3f} ms",
    )
    lanes = lanes_in(connection, window)
    if lanes is None:
        raise NoTimelineError(f"{window.path}: no goroutine did anything then, or it is not kept any more")
    return render(
        "timeline.html",
        title=window.title,
        lanes=drawing(lanes),
        instants=instants(lanes, links, None),
        steps=_steps(window),
        **_around(),
    )


def _steps(window: Window) -> list[tuple[str, str]]:
    """Addresses of what lies around a window."""
    length, middle = window.length_ns, (window.from_ns + window.to_ns) // 2
    parts = {
        "earlier": (window.from_ns - length, window.from_ns),
        "later": (window.to_ns, window.to_ns + length),
        "closer": (middle - length // 6, middle + length // 6),
        "farther": (middle - 2 * length, middle + 2 * length),
    }
    who = f"&goroutine={window.goroutine_id}" if window.goroutine_id is not None else ""
    address = f"/timeline?capture={quote(window.capture_id, safe='')}"
    return [(text, f"{address}&from={max(a, 0)}&to={max(b, 1)}{who}") for text, (a, b) in parts.items()]


def _number(values: dict[str, str], name: str) -> int | None:
    text = values.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
