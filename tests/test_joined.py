"""What a build made certain of incidents that were known before it, in words."""

from __future__ import annotations

from tracemill.flows.show.verdicts import Joined


def test_a_function_and_its_part_below_one_caller_are_told_apart() -> None:
    whole = Joined("alloc_bytes", "example.org/api/v2.Labels", "regressed", "a11", "f2bc401b")
    part = whole._replace(subject="example.org/api/v2.Labels from example.org/api/v2.Alert")
    assert whole.sentence == "alloc_bytes of v2.Labels: regressed since a11, a part of incident f2bc401b"
    assert part.sentence == (
        "alloc_bytes of v2.Labels from v2.Alert: regressed since a11, a part of incident f2bc401b"
    )
