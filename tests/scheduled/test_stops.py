"""A service that is told to stop while one of its queries runs: Prefect hears of a stop, not of a fault."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from prefect.exceptions import TerminationSignal

from tracemill.flows.scheduled import orchestrate

if TYPE_CHECKING:
    from pathlib import Path


def interrupted(*_: object) -> None:
    """What DuckDB raises when a signal's handler has raised something in the middle of a query."""
    raise RuntimeError("Query interrupted")


def test_in_what_is_asked_after_the_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = SimpleNamespace(published=SimpleNamespace(is_changed=False, failed_checks={}))
    steps = contextlib.nullcontext(None)
    for name, stand_in in (
        ("_call_off_overdue", lambda: None), ("_steps", lambda *_: steps), ("_RunLog", lambda: None),
        ("run", lambda *_, **__: ran), ("why_not_judged", interrupted),
    ):  # fmt: skip
        monkeypatch.setattr(orchestrate, name, stand_in)
    with pytest.raises(TerminationSignal):
        orchestrate.run_flow.fn([tmp_path], tmp_path, tmp_path)


@pytest.mark.parametrize("question", ["regressions", "new_since"])
def test_in_what_is_asked_for_events(question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, Any] = {"regressions": lambda _: [], "new_since": lambda *_: []}
    for name, answer in (answers | {question: interrupted}).items():
        monkeypatch.setattr(orchestrate, name, answer)
    monkeypatch.setattr(orchestrate, "_take_lock", lambda _: contextlib.nullcontext())
    with pytest.raises(TerminationSignal), orchestrate._lock_and_emit_events(tmp_path):
        pass
