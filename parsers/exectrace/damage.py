"""What is wrong with a trace's bytes, and whether what was read before it is kept."""

from __future__ import annotations

from tracemill.parsers.api import ParseError


class DamageError(Exception):
    """The bytes are not what the format says: place in the file, fact, generation if known."""

    def __init__(
        self, offset: int, fact: str, generation: int | None = None, *, is_in_order: bool = False
    ) -> None:
        """is_in_order: the generation could be read but its events contradict each other."""
        super().__init__(fact)
        self.is_in_order = is_in_order
        self.offset = offset
        self.fact = fact
        self.generation = generation

    @property
    def position(self) -> str:
        """Where, in words."""
        place = f"byte {self.offset}"
        return place if self.generation is None else f"{place}, generation {self.generation}"


def salvaged(error: DamageError, path: str, *, has_events: bool) -> DamageError:
    """The damage behind what is kept. Raises ParseError where there is nothing to keep: not one event."""
    if not has_events:
        raise ParseError(path, error.position, error.fact) from error
    # Its traceback would hold the reader's frames, and those every buffer.
    return error.with_traceback(None)
