"""The verbs that look at one thing closely: show, timeline, open."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import is_coloured, say, say_next, tell, terminal_width
from tracemill.flows.verbs.options import again, settings_of, warehouse_option

if TYPE_CHECKING:
    import duckdb

    from tracemill.flows.show.card_incident import Incident
    from tracemill.flows.show.lanes import Lanes
    from tracemill.flows.show.timeline import Asked

_json = click.option("--json", "is_json", is_flag=True, help="As JSON, everything.")
# So many incidents that fit too are named.
MAX_OTHERS = 5


@click.command()
@click.argument("words", nargs=-1, metavar="[BUILD] [FUNCTION|INCIDENT|METRIC]")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it to FILE as a page with flame graph and lanes.",
)
@_json
@warehouse_option
def show(words: tuple[str, ...], html: Path | None, is_json: bool, warehouse: Path | None) -> None:
    """One incident and its reason: what changed, where, who makes whom wait, and where it is seen best.

    Without words it is the worst regression that is still open. Words choose: a build, part of a function's
    or metric's name, or an incident's id.

    \b
    tracemill show b08
    tracemill show Lookup --html lookup.html
    """
    from tracemill.flows.show.card import card
    from tracemill.flows.show.card_incident import choose, incidents, points
    from tracemill.flows.show.card_json import as_json
    from tracemill.flows.show.card_terminal import WIDTH, as_text
    from tracemill.flows.show.card_wording import headline
    from tracemill.flows.show.export import replace_whole
    from tracemill.flows.show.page import Links, incident_page
    from tracemill.warehouse import connect
    from tracemill.warehouse.queries import ask_column

    with connect(settings_of(warehouse=warehouse).warehouse) as connection:
        known, builds = incidents(connection), ask_column(connection, "verdicts/known_builds")
        found = choose(known, words, builds)
        if not found:
            if is_json:
                say("null\n")
            tell(_why_none(connection, known, words), err=is_json)
            return
        series = points(connection)
        chosen = found[0]
        shown = card(connection, chosen, series.get((chosen.metric, chosen.first_subject), []))
    if is_json:
        say(json.dumps(as_json(shown), indent=1, ensure_ascii=False) + "\n")
    elif html is None:
        say(as_text(shown, min(terminal_width() or WIDTH, 120), is_coloured=is_coloured()))
        for other in found[1 : MAX_OTHERS + 1]:
            tell(f"also: {headline(other)} (tracemill show {other.incident_id})")
        if (unnamed := len(found) - 1 - MAX_OTHERS) > 0:
            build = f" --build {shlex.quote(words[0])}" if words and words[0] in builds else ""
            tell(f"also: {unnamed} more (tracemill regressions{build}{again(warehouse)})")
    if html is not None:
        page = incident_page(shown, Links.configured())
        replace_whole(html, lambda out: out.write(page.encode()))
        tell(f"wrote {html}", err=is_json)
        say_next(f"open {html} in a browser")
    elif not is_json:
        say_next(f"tracemill show {chosen.incident_id}{again(warehouse)} --html {chosen.incident_id}.html")


def _why_none(connection: duckdb.DuckDBPyConnection, known: list[Incident], words: tuple[str, ...]) -> str:
    """That no incident fits the words, and what there is; of what nothing was judged, that."""
    from tracemill.flows.show.coverage import coverage
    from tracemill.flows.show.verdicts import joined
    from tracemill.warehouse.queries import ask_column

    begun = {i.seen_build_id for i in known}
    builds = ask_column(connection, "verdicts/known_builds")
    others = ", ".join(b for b in builds if b in begun)
    rests_on = coverage(connection)
    if not others and not rests_on.is_judged:
        return "\n".join(rests_on.sentences())
    passing = [p.sentence for p in rests_on.passing if p.build_id in words]
    passing += [f"certain since {words[0]}: {s}" for s in joined(connection, words[0])] if words else []
    if passing and len(words) == 1:  # the build alone was asked for
        return "\n".join(passing)
    begins = f"; incidents begin at {others}" if others else ""
    if len(of_builds := [word for word in words if word in builds]) > 1:
        return f"no incident is of {' and '.join(of_builds)} at once{begins}"
    nothing = f"nothing changed{f' at {shlex.join(words)}' if words else ''} in what was judged{begins}"
    return "\n".join([nothing, *passing])


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--around", metavar="VERDICT", help="Around an incident: its id, a build or part of a function."
)
@click.option("--task", metavar="NAME", help="The slowest task of this name.")
@click.option("--slowest", is_flag=True, help="The slowest task, or the longest contended wait.")
@click.option("--build", "build_id", metavar="B", help="Of this build. Default: the newest.")
@click.option("--from", "from_ms", type=float, metavar="MS", help="From this time of the trace on.")
@click.option("--to", "to_ms", type=float, metavar="MS", help="Up to this time of the trace.")
@click.option("--lanes", type=click.IntRange(min=1), default=16, show_default=True, metavar="N",
              help="At most so many goroutines.")  # fmt: skip
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw them into FILE."
)
@_json
@warehouse_option
def timeline(
    file: Path | None,
    around: str | None,
    task: str | None,
    slowest: bool,
    build_id: str | None,
    from_ms: float | None,
    to_ms: float | None,
    lanes: int,
    svg: Path | None,
    is_json: bool,
    warehouse: Path | None,
) -> None:
    """Goroutines side by side: when each ran, was ready or waited, and who woke whom.

    Of a trace in the warehouse, or straight of FILE without one.

    \b
    tracemill timeline --around b08
    tracemill timeline --task /order --slowest --build b08 --svg order.svg
    tracemill timeline examples/artifacts/b08/r1/trace.out.xz --slowest
    """
    from tracemill.flows.show.timeline import MODELS, Asked, timeline
    from tracemill.warehouse import connect

    if file is not None and (around or build_id or warehouse):
        raise click.UsageError("FILE has no build: without --around, --build and --warehouse")
    asked = Asked(
        around=around,
        task=task,
        build_id=build_id,
        is_slowest=slowest,
        from_ns=None if from_ms is None else int(from_ms * 1e6),
        to_ns=None if to_ms is None else int(to_ms * 1e6),
        most=lanes,
    )
    if file is None:
        with connect(settings_of(warehouse=warehouse).warehouse) as connection:
            found = timeline(connection, asked if any((around, task, slowest)) else _slowest(asked))
    else:
        from tracemill.flows.loading.files import warehouse_of

        with warehouse_of([file], MODELS) as loaded, connect(loaded.root) as connection:
            found = timeline(connection, asked)
    _tell(found, svg, is_json=is_json)


def _slowest(asked: Asked) -> Asked:
    """Of a whole warehouse, the slowest of what there is."""
    from dataclasses import replace

    return replace(asked, is_slowest=asked.from_ns is None and asked.to_ns is None)


def _tell(found: Lanes, svg: Path | None, *, is_json: bool) -> None:
    from tracemill.flows.show.card_json import lanes_as_json
    from tracemill.flows.show.card_terminal import WIDTH
    from tracemill.flows.show.export import replace_whole
    from tracemill.flows.show.lanes_terminal import as_text
    from tracemill.flows.show.timeline import as_svg

    if is_json:
        say(json.dumps(lanes_as_json(found), indent=1, ensure_ascii=False) + "\n")
    elif svg is None:
        width = min(terminal_width() or WIDTH, 200)
        say("\n".join(as_text(found, width, is_coloured=is_coloured())) + "\n")
        say_next("the same with --svg FILE, or with --json for every interval")
    if svg is not None:
        drawn = as_svg(found)
        replace_whole(svg, lambda out: out.write(drawn.encode()))
        tell(f"wrote {svg}", err=is_json)


@click.command(name="open")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Default: any free one.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Whether to open a browser.")
@warehouse_option
def open_(port: int, browser: bool, warehouse: Path | None) -> None:
    """Browse the same pages: every incident, any two builds' call paths, any instant of a trace.

    They are served to this machine alone, on its loopback address, until Ctrl-C; nothing is written.

    \b
    tracemill open
    tracemill open --port 8080 --no-browser
    """
    import webbrowser

    from tracemill.flows.show.page_server import Server
    from tracemill.warehouse import connect

    root = settings_of(warehouse=warehouse).warehouse
    connect(root).close()  # says at once where there is none
    with Server(root, port) as server:
        tell(f"{server.address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            tell()
