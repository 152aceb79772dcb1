"""The closed vocabularies of verdicts and of attribution, declared once: what each word means, for SQL and people.

The rows are published as the tables ``verdict_statuses`` and ``evidence_kinds``; models join them, and checks refuse
a word that stands in neither.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """What a verdict says. lead_order: of several in one incident, the one with the smallest leads."""

    status: str
    lead_order: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """How it is known what a heap sample's hidden frame called.

    confidence: precision by bytes, measured against runtime.MemProfile at rate 1 (docs/attribution.md).
    """

    evidence: str
    confidence: float
    meaning: str


STATUSES = {
    s.status: s
    for s in (
        Status("regressed", 1, "Worse from this build on."),
        Status("improved", 2, "Better from this build on."),
        Status("not_comparable", 3, "Another figure under other conditions: Go version, GOMAXPROCS, sampling period, "
               "architecture, load or duration."),
        Status("cost_shift", 4, "More here and less there, below one caller whose sum stayed."),
        Status("moved", 5, "The function has another name or place; its cost stayed."),
    )
}  # fmt: skip

EVIDENCE = {
    e.evidence: e
    for e in (
        Evidence("function_name", 1, "The profile itself names the runtime function."),
        Evidence("call_target", 1, "The CALL in the binary with the profile's build id."),
        Evidence("call_target_line", 1, "Without a build id: the CALL of a binary that has the sample's file and line."),
        Evidence("seen_callee", 1, "A trace or a profile of the build shows what is called at this address."),
        Evidence("text_frames", 1, "A text profile lists the callee's address, which such a capture names."),
        Evidence("listing_offset", 1, "The compiler's listing has this call at the same offset in its function."),
        Evidence("listing_offset_mod_32", 1, "The same, with offsets compared modulo 32."),
        Evidence("listing_line", 1, "All calls that the listing has on the line are of one class."),
        # Right for 94 % of all bytes, but for fewer of those that no better evidence tells.
        Evidence("listing_any_map_call", 0.75, "A guess: the listing has a map call on the line, among others."),
        Evidence("other_build_call", 1, "Another build knows this call: the same line of the function, counted from its "
                 "first, and the same return address modulo 32."),
        Evidence("unknown", 0, "Nothing tells what is called."),
    )
}  # fmt: skip


def status_rows() -> list[dict[str, object]]:
    """The rows of the table ``verdict_statuses``."""
    return [asdict(s) for s in STATUSES.values()]


def evidence_rows() -> list[dict[str, object]]:
    """The rows of the table ``evidence_kinds``."""
    return [asdict(e) | {"confidence": float(e.confidence)} for e in EVIDENCE.values()]
