"""Bytes → Arrow record batches; one file or folder a format.

``read(path)`` gives a capture's tables by name. A parser knows nothing of the
warehouse but the declared schema.
"""

from tracemill.parsers.api import Batch, Facts, Issue, Item, ParseError
from tracemill.parsers.registry import UnknownFormatError, detect, parse, read

__all__ = [
    "Batch",
    "Facts",
    "Issue",
    "Item",
    "ParseError",
    "UnknownFormatError",
    "detect",
    "parse",
    "read",
]
