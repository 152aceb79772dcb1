"""A trace's items from its events, in whatever format these come: one way to begin, and one to end.

``capture`` (version 2), ``v1`` and ``parsed_text`` each read events in their own way
and hand them to the scheduler; what it gives becomes batches here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.parsers.api import Facts, Issue
from tracemill.parsers.exectrace import spec
from tracemill.parsers.exectrace.names import Names
from tracemill.parsers.exectrace.order import Scheduler
from tracemill.parsers.exectrace.tables import Shaper
from tracemill.parsers.stacks import StackTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracemill.parsers.api import Batch, Item, Options
    from tracemill.parsers.exectrace.damage import DamageError
    from tracemill.parsers.exectrace.order import Output


MISUSED = (
    "{} regions end where they may not: on another goroutine, twice or before regions inside them "
    "(Go's own reader stops at the first); those that are not open where they end are left out"
)


class Assembly:
    """One capture on its way.

    started_at_ns: its time zero as Unix time, once that is known. kind: of the capture.
    """

    def __init__(self, options: Options) -> None:
        self._stacks = StackTable()
        self.names = Names(self._stacks)
        arguments = None
        if options.raw_events:
            from tracemill.parsers.exectrace.raw import Arguments  # only --raw-events needs it

            arguments = Arguments(self.names)
        self.scheduler = Scheduler(self.names, arguments)
        self._shaper = Shaper(self.names, self.scheduler, arguments)
        self.started_at_ns: int | None = None
        self.kind = "trace"

    def batches(self, outputs: Iterable[Output]) -> Iterator[Batch]:
        """Every batch of the outputs, each made before the next output is asked for."""
        for output in outputs:
            yield from self._shaper.batches(output)

    def end(
        self,
        damage: DamageError | None = None,
        *,
        version: int | None = None,
        generations: int | None = None,
        is_synced: bool = False,
    ) -> Iterator[Item]:
        """The last rows, the stacks, what is lost, and the facts.

        version: of the format, where it is told. generations: how many were read whole, where there are such.
        is_synced: no final synchronisation is due.
        """
        yield from self.batches(self.scheduler.finish(is_synced=is_synced))
        yield self.names.addresses()
        yield self._stacks.stacks()
        duration_ns = self.scheduler.now_ns
        if damage is not None:
            whole = "" if generations is None else f"{generations} whole generations, and "
            kept = f"kept are {whole}events up to {duration_ns / 1e9:.6f} s"
            yield Issue("data_loss", "input", damage.position, f"{damage.fact}; {kept}")
        if count := self.scheduler.misused_regions:
            yield Issue("info", "input", self.scheduler.first_misuse, MISUSED.format(count))
        yield Facts(
            kind=self.kind,
            started_at_ns=self.started_at_ns,
            duration_ns=duration_ns,
            is_salvaged=damage is not None,
            labels={} if version is None else spec.format_label(version),
        )
