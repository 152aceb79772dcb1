"""What the gate found of a candidate: its verdicts, what could not be judged, and the exit code of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tracemill.flows.gate.suspected import Hint

# A regression that was known before the candidate, and a new leak where those are allowed.
OPEN, ALLOWED = "open", "allowed"
PASSED, REGRESSED, UNDECIDED = 0, 1, 2
WORDS = {PASSED: "passed", REGRESSED: "regressed", UNDECIDED: "could not judge"}


class Finding(NamedTuple):
    """One verdict: the columns of regressions, and more; file and line of its function where known.

    status: as in the mart, or OPEN or ALLOWED. build_id: the build that
    made it known. first_build_id, commit: where it begins. moved_to: the function's name at the candidate,
    where it is another by then. members: the other verdicts of its incident.
    """

    status: str
    build_id: str
    metric: str
    subject: str
    incident_id: str
    is_lead: bool
    found: str
    function: str | None
    calling_function: str | None
    first_subject: str
    moved_from: str | None
    moved_to: str | None
    unit: str | None
    polarity: int
    before: float | None
    after: float | None
    change_ratio: float | None
    interval: list[float] | None
    p_value: float | None
    q_value: float | None
    n_before: int | None
    n_after: int | None
    first_build_id: str
    commit: str | None
    ended_build_id: str | None
    as_before_build_id: str | None
    call_path: str | None
    caller: str | None
    caller_before: float | None
    caller_after: float | None
    evidence: str | None
    query: str | None
    expected_interval: list[float] | None
    accepted_by: str | None
    accepted_reason: str | None
    file: str | None
    line: int | None
    members: list[str] | None
    is_leak: bool


class Unjudged(NamedTuple):
    """Series of a metric of which nothing can be said."""

    metric: str
    series_count: int
    why: str


class Compared(NamedTuple):
    """How many earlier builds series compare with, and which at most; alone_count: series with none.

    metric: whose series; None: all.
    """

    metric: str | None
    alone_count: int
    fewest: int
    most: int
    first_build_id: str | None
    last_build_id: str | None


class NotCompared(NamedTuple):
    """Earlier builds that do not compare with the candidate, and in which conditions they differ.

    build_count: None: all that is before build_id; or so many, from build_id to last_build_id.
    """

    build_id: str
    last_build_id: str | None
    build_count: int | None
    conditions: list[str]


class Doubled(NamedTuple):
    """In how many of a metric's judged series the gate would tell that they are twice as bad.

    at_once: it fails. hinted: in words. lasting: it fails once up to four builds are. hidden: in none of
    these ways.
    """

    metric: str
    at_once: int
    hinted: int
    lasting: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate found. doubts: sentences; with any, what did not regress has not passed.

    judged: series by metric; 0 where none was found of what is a fault by itself. ignored: conditions that
    builds were compared across. fails_on_open: what stands open fails it too. suspected: what may have got
    worse. unread: sentences on files of no known kind. conditions: on what else differs, or may. comparison:
    how it was compared with one other build alone, in sentences; of a history nothing. compared,
    not_compared: of a history, which builds the candidate was really judged against. doubled: of a history,
    what would be seen of twice as much. joined: sentences: what the candidate made certain of incidents that
    were known before it. no_baseline: of a history, why no build comes before the candidate.
    is_placed: whether the candidate's place among the builds is known.
    """

    candidate: str
    commit: str | None
    baseline: tuple[str, ...]
    is_baseline_chosen: bool
    judged: dict[str, int]
    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...]
    doubts: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    fails_on_open: bool = False
    suspected: tuple[Hint, ...] = ()
    unread: tuple[str, ...] = ()
    comparison: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    compared: Compared | None = None
    not_compared: tuple[NotCompared, ...] = ()
    doubled: tuple[Doubled, ...] = ()
    joined: tuple[str, ...] = ()
    no_baseline: str = ""
    is_placed: bool = True

    @property
    def regressed(self) -> list[Finding]:
        """What is known from the candidate on."""
        return [f for f in self.findings if f.status == "regressed" and f.accepted_by is None]

    @property
    def allowed(self) -> list[Finding]:
        """What would fail it, were new leaks not allowed."""
        return [f for f in self.findings if f.status == ALLOWED]

    def allowing_leaks(self) -> Judgement:
        """The same where new leaks are allowed."""
        findings = [
            f._replace(status=ALLOWED) if f.is_leak and f in self.regressed else f for f in self.findings
        ]
        return replace(self, findings=tuple(findings))

    @property
    def open(self) -> list[Finding]:
        """What was known before, still stands and is not accepted."""
        return [f for f in self.findings if f.status == OPEN]

    @property
    def accepted(self) -> list[Finding]:
        """What would fail it, had nobody accepted it."""
        return [f for f in self.findings if f.accepted_by is not None]

    @property
    def failing(self) -> list[Finding]:
        """What fails it."""
        return self.regressed + (self.open if self.fails_on_open else [])

    @property
    def exit_code(self) -> int:
        """PASSED, REGRESSED or UNDECIDED."""
        if self.failing:
            return REGRESSED
        return UNDECIDED if self.doubts else PASSED

    @property
    def word(self) -> str:
        """The exit code in words."""
        return WORDS[self.exit_code]
