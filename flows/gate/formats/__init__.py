"""How a judgement is written: one module a format, with ``write(judgement) -> str``.

A new format is a file here and a line in FORMATS.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Judgement

# As ``--format`` calls it → its module.
FORMATS = {
    "table": "table",
    "json": "json_object",
    "md": "markdown",
    "sarif": "sarif",
    "github": "github_annotations",
    "junit": "junit",
}


def write(judgement: Judgement, format_name: str) -> str:
    """The judgement in that format."""
    text: str = import_module(f"{__name__}.{FORMATS[format_name]}").write(judgement)
    return text
