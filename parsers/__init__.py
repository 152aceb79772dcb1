"""Bytes → Arrow record batches; one file or folder a format.

``read(path)`` gives a capture's tables by name, ``captures(path)`` each capture of a file or
archive that holds several. A parser knows nothing of the
warehouse but the declared schema.
"""

from tracemill.parsers.api import Batch, Facts, Issue, Item, ParseError
from tracemill.parsers.registry import FoundCapture, UnknownFormatError, captures, detect, parse, read

__all__ = [
    "Batch",
    "Facts",
    "FoundCapture",
    "Issue",
    "Item",
    "ParseError",
    "UnknownFormatError",
    "captures",
    "detect",
    "parse",
    "read",
]
