"""What SARIF 2.1.0 asks of the objects that we write and read: properties, required or known; closed words.

After the specification (OASIS, sections 3.13 to 3.58), by hand, for the part of it that our logs and samples
use. An object may have ``properties`` of its own; any other name that is not here is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LEVELS = frozenset({"none", "note", "warning", "error"})


@dataclass(frozen=True)
class Shape:
    """required and optional: property → the shape of its value, a type, closed words, or a list of one."""

    required: dict[str, Any] = field(default_factory=dict)
    optional: dict[str, Any] = field(default_factory=dict)
    # One of these has to stand there.
    any_of: tuple[str, ...] = ()


class Free:
    """An object whose property names are the tool's own; of: the shape of their values."""

    def __init__(self, of: Any) -> None:
        self.of = of


MULTIFORMAT = Shape({"text": str}, {"markdown": str})
MESSAGE = Shape({}, {"text": str, "markdown": str, "id": str, "arguments": [str]}, any_of=("text", "id"))
ARTIFACT_LOCATION = Shape({}, {"uri": str, "uriBaseId": str, "index": int, "description": MESSAGE})
REGION = Shape(
    {},
    dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn", "charOffset", "charLength"), int)
    | {"snippet": Shape({}, {"text": str}), "message": MESSAGE},
)
PHYSICAL = Shape({}, {"artifactLocation": ARTIFACT_LOCATION, "region": REGION, "contextRegion": REGION})
LOGICAL = Shape({}, {"name": str, "fullyQualifiedName": str, "kind": str, "index": int})
LOCATION = Shape(
    {}, {"id": int, "physicalLocation": PHYSICAL, "logicalLocations": [LOGICAL], "message": MESSAGE}
)
CONFIGURATION = Shape({}, {"enabled": bool, "level": LEVELS, "rank": float})
RULE = Shape(
    {"id": str},
    {
        "name": str,
        "shortDescription": MULTIFORMAT,
        "fullDescription": MULTIFORMAT,
        "help": MULTIFORMAT,
        "helpUri": str,
        "messageStrings": Free(MULTIFORMAT),
        "defaultConfiguration": CONFIGURATION,
        "deprecatedIds": [str],
    },
)
COMPONENT = Shape(
    {"name": str},
    {
        "version": str,
        "semanticVersion": str,
        "organization": str,
        "fullName": str,
        "informationUri": str,
        "rules": [RULE],
    },
)
REFERENCE = Shape(
    {}, {"id": str, "index": int, "guid": str, "toolComponent": Shape({}, {"name": str, "index": int})}
)
SUPPRESSION = Shape(
    {"kind": frozenset({"inSource", "external"})},
    {
        "status": frozenset({"accepted", "underReview", "rejected"}),
        "justification": str,
        "location": LOCATION,
        "guid": str,
    },
)
RESULT = Shape(
    {"message": MESSAGE},
    {
        "ruleId": str,
        "ruleIndex": int,
        "rule": REFERENCE,
        "kind": frozenset({"notApplicable", "pass", "fail", "review", "open", "informational"}),
        "level": LEVELS,
        "locations": [LOCATION],
        "relatedLocations": [LOCATION],
        "fingerprints": Free(str),
        "partialFingerprints": Free(str),
        "suppressions": [SUPPRESSION],
        "baselineState": frozenset({"new", "unchanged", "updated", "absent"}),
        "occurrenceCount": int,
    },
)
NOTIFICATION = Shape(
    {"message": MESSAGE}, {"level": LEVELS, "locations": [LOCATION], "descriptor": REFERENCE}
)
INVOCATION = Shape(
    {"executionSuccessful": bool},
    {
        "exitCode": int,
        "toolExecutionNotifications": [NOTIFICATION],
        "toolConfigurationNotifications": [NOTIFICATION],
        "startTimeUtc": str,
        "endTimeUtc": str,
    },
)
RUN = Shape(
    {"tool": Shape({"driver": COMPONENT}, {"extensions": [COMPONENT]})},
    {
        "results": [RESULT],
        "invocations": [INVOCATION],
        "artifacts": [Shape({}, {"location": ARTIFACT_LOCATION, "length": int, "roles": [str]})],
        "columnKind": frozenset({"utf16CodeUnits", "unicodeCodePoints"}),
        "originalUriBaseIds": Free(ARTIFACT_LOCATION),
    },
)
LOG = Shape({"version": frozenset({"2.1.0"}), "runs": [RUN]}, {"$schema": str})


def faults(value: Any, shape: Any = LOG, place: str = "log") -> list[str]:
    """What is wrong with a value, each with its place."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{place}: not a list"]
        return [fault for i, each in enumerate(value) for fault in faults(each, shape[0], f"{place}[{i}]")]
    if isinstance(shape, frozenset):
        return [] if value in shape else [f"{place}: {value!r} is none of {sorted(shape)}"]
    if isinstance(shape, Free):
        if not isinstance(value, dict):
            return [f"{place}: not an object"]
        return [f for name, each in value.items() for f in faults(each, shape.of, f"{place}.{name}")]
    if not isinstance(shape, Shape):
        is_right = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
        is_small = shape is int and is_right and value < (1 if place.endswith(("Line", "Column")) else -1)
        return [] if is_right and not is_small else [f"{place}: {value!r} is no {shape.__name__}"]
    if not isinstance(value, dict):
        return [f"{place}: not an object"]
    known = shape.required | shape.optional
    found = [f"{place}: lacks {name}" for name in shape.required if name not in value]
    if shape.any_of and not any(name in value for name in shape.any_of):
        found.append(f"{place}: lacks one of {', '.join(shape.any_of)}")
    for name, each in value.items():
        if name in known:
            found += faults(each, known[name], f"{place}.{name}")
        elif name != "properties":
            found.append(f"{place}: has no property {name}")
    return found
