"""What a person who runs Tracemill on a warehouse may be told."""

from __future__ import annotations

from tracemill.warehouse.schema.errors import TracemillError


class WarehouseError(TracemillError):
    """A warehouse that cannot be read or written, in one sentence."""


class OvertakenError(WarehouseError):
    """Another machine has published since."""


class DamagedError(WarehouseError):
    """A part of the warehouse that is not as it was written."""
