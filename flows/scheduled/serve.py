"""Serve: the flows on their schedules, on a Prefect server that was given or is our own."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from tracemill.flows.loading.discover import InputError
from tracemill.flows.scheduled.server import ServerError, server
from tracemill.flows.show.terminal import tell

if TYPE_CHECKING:
    from tracemill.flows.settings import Settings


def serve(settings: Settings) -> None:
    """Run the main job on its schedule until told to stop. Raises InputError, SettingsError, ServerError."""
    for folder in settings.artifacts:
        if not folder.is_dir():
            raise InputError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    tell("starting; Prefect takes some seconds", err=True)
    with server(settings.warehouse) as found:
        if found.origin == "shared":
            raise ServerError(f"this warehouse is served already: {found.api_url.removesuffix('/api')}")
        from tracemill.flows.scheduled.orchestrate import serve_flows

        serve_flows(settings, is_own_server=found.origin == "own", say=tell)
    tell("stopped")
