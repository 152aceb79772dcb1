"""One JSON object, for machines; docs/exports.md has its schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tracemill.flows.gate.wording import judged_against, place
from tracemill.flows.show.tables import plain

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Judgement

JSON_VERSION = 1


def write(judgement: Judgement) -> str:
    """One object, for machines; docs/exports.md has its schema."""
    found = [
        {**f._asdict(), "file": place(f) if f.file else None, "is_accepted": f.accepted_by is not None}
        for f in judgement.findings
    ]
    whole = {
        "version": JSON_VERSION,
        "candidate": judgement.candidate,
        "commit": judgement.commit,
        "verdict": judgement.word,
        "exit_code": judgement.exit_code,
        "baseline": judgement.baseline,
        "judged": judgement.judged,
        "judged_against": judged_against(judgement),
        "regressions": len(judgement.regressed),
        "open": len(judgement.open),
        "across": judgement.ignored,
        "comparison": judgement.comparison,
        "conditions": judgement.conditions,
        "doubts": judgement.doubts,
        "hints": [hint.sentence for hint in judgement.suspected],
        "joined": judgement.joined,
        "unread": judgement.unread,
        "twice_as_bad": [d._asdict() for d in judgement.doubled],
        "unjudged": [u._asdict() for u in judgement.unjudged],
        "findings": found,
    }
    return json.dumps(plain(whole), indent=1, ensure_ascii=False) + "\n"
