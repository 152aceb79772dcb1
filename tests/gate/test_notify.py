"""Incidents are told once when they open, change or close, and an issue of one is found again."""

from __future__ import annotations

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracemill.flows.cli import main
from tracemill.flows.gate.notify import CLOSED, OPENED, STATE_FILE, UPDATED, Notice, marker, notices, notify
from tracemill.flows.run import run
from tracemill.flows.show.card_incident import incidents
from tracemill.flows.show.card_wording import headline
from tracemill.warehouse import connect

ARTIFACTS = Path(__file__).resolve().parents[2] / "examples/artifacts"


@pytest.fixture(scope="module")
def until_b09(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's first nine builds: the map leak is over, the lock convoy is not."""
    folder = tmp_path_factory.mktemp("until_b09")
    for number in range(1, 10):
        shutil.copytree(ARTIFACTS / f"b{number:02}", folder / f"artifacts/b{number:02}")
    run([folder / "artifacts"], folder / "w", folder / "exports")
    return folder / "w"


@pytest.fixture
def copied(until_b09: Path, tmp_path: Path) -> Path:
    return shutil.copytree(until_b09, tmp_path / "w")


def _known(warehouse: Path) -> list:
    with connect(warehouse) as connection:
        return incidents(connection)


@pytest.mark.full
def test_opened_updated_and_closed_are_told_apart(until_b09: Path) -> None:
    known = _known(until_b09)
    opened = [i for i in known if i.is_open]
    assert opened
    assert {n.event for n in notices(known, {})} == {OPENED}
    told = {i.incident_id: headline(i) for i in opened}
    assert notices(known, told) == []
    first = opened[0].incident_id
    assert [n.event for n in notices(known, told | {first: "was less"})] == [UPDATED]
    over = next(i for i in known if not i.is_open)
    assert [n.event for n in notices(known, told | {over.incident_id: "x", "gone": "y"})] == [CLOSED, CLOSED]


@pytest.mark.full
def test_every_notice_of_an_incident_has_its_hidden_line(until_b09: Path) -> None:
    for notice in notices(_known(until_b09), {"gone": "y"}):
        assert notice.body.startswith(marker(notice.incident_id) + "\n")
        assert notice.body.count("<!--") == 1


@pytest.mark.full
def test_what_was_sent_is_noted_even_where_the_next_is_refused(copied: Path) -> None:
    sent: list[Notice] = []

    def send(_target: str, notice: Notice) -> None:
        if sent:
            raise OSError("refused")
        sent.append(notice)

    every = len([i for i in _known(copied) if i.is_open])
    if every > 1:
        with pytest.raises(OSError, match="refused"):
            notify(copied, "json://secret@host", send)
    else:
        notify(copied, "json://secret@host", send)
    assert len(notify(copied, "json://secret@host", lambda *_: None)) == every - 1
    assert notify(copied, "json://secret@host", lambda *_: None) == []
    assert len(notify(copied, "json://other", lambda *_: None)) == every
    assert "secret" not in (copied / STATE_FILE).read_text()
    assert CliRunner().invoke(main, ["verify", "--warehouse", str(copied)]).exit_code == 0


def test_a_webhook_is_called_once(copied: Path) -> None:
    got: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        words = ["notify", "--warehouse", str(copied), "--to", f"json://127.0.0.1:{server.server_port}/hook"]
        for _ in range(2):
            done = CliRunner().invoke(main, words, catch_exceptions=False)
            assert done.exit_code == 0, done.output
    finally:
        server.shutdown()
        server.server_close()
    assert len(got) == len([i for i in _known(copied) if i.is_open])
    assert got[0]["title"].startswith("opened: ")


def test_where_nobody_answers_it_says_so_and_notes_nothing(copied: Path) -> None:
    words = ["notify", "--warehouse", str(copied), "--to", "json://127.0.0.1:9/secret"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "refused, or nobody answered" in done.stderr
    assert "secret" not in done.stderr
    assert not (copied / STATE_FILE).exists()


def test_a_job_gets_lines_of_json_and_a_dry_run_changes_nothing(copied: Path) -> None:
    words = ["notify", "--warehouse", str(copied), "--json"]
    dry = CliRunner().invoke(main, [*words, "--dry-run"]).stdout
    real = CliRunner().invoke(main, words).stdout
    assert dry == real != ""
    first = json.loads(real.splitlines()[0])
    assert first["key"] in first["body"]
    assert CliRunner().invoke(main, words).stdout == ""
