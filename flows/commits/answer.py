"""The answer to "which commit": an incident's commits, ranked, and what differed beside the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tracemill.flows.commits.changed_path import changed_path
from tracemill.flows.commits.ranking import Ranked, rank
from tracemill.flows.commits.repository import Repository, RepositoryError
from tracemill.flows.commits.sources import Sources
from tracemill.flows.show.card_wording import headline
from tracemill.flows.show.differences import differences
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    import duckdb

    from tracemill.flows.show.card_incident import Incident
    from tracemill.flows.show.differences import Difference

# Below this the evidence is no more than that a commit changed some code.
LEAST_WEIGHT = 0.04


class _Build(NamedTuple):
    build_id: str
    commit: str | None
    module: str | None
    go_version: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The commits after good up to bad, the most suspect first.

    is_path_known: whether any function of the path is in the repository.
    """

    incident: Incident
    good: str
    bad: str
    good_build: str | None
    bad_build: str
    ranked: list[Ranked]
    differences: list[Difference]
    is_path_known: bool

    @property
    def with_code(self) -> list[Ranked]:
        """The commits that change what a build is made of."""
        return [r for r in self.ranked if r.is_code]

    @property
    def sentence(self) -> str:
        """What the range says as a whole."""
        what = "; ".join(d.text for d in self.differences)
        if not self.with_code:
            count = len(self.ranked)
            several = f"{count} commits, none of which changes code" if count else "no commits"
            changed = "1 commit, which changes no code" if count == 1 else several
            known = what or "nothing that the builds say of themselves differs (labels in build.json would)"
            return f"configuration or environment: {known} ({changed} in between)"
        if not self.is_path_known:
            return (
                "none of the path's functions is in this repository: the order is by what changed alone"
                + (f"; beside the code differs: {what}" if what else "")
            )
        if max((e.weight for r in self.ranked for e in r.evidence), default=0.0) < LEAST_WEIGHT:
            return "no commit touches the changed path" + (
                f"; beside the code differs: {what}" if what else ""
            )
        return f"beside the code differs: {what}" if what else ""

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "incident_id": self.incident.incident_id,
            "headline": headline(self.incident),
            "good": {"build_id": self.good_build, "commit": self.good},
            "bad": {"build_id": self.bad_build, "commit": self.bad},
            "says": self.sentence,
            "differences": [d._asdict() for d in self.differences],
            "commits": [
                {
                    "rank": place,
                    "commit": r.commit.commit,
                    "score": round(r.score, 3),
                    "kinds": list(r.kinds),
                    "reverts": r.reverts,
                    "is_undone": r.is_undone,
                    "committed_at": r.commit.committed_at,
                    "author": r.commit.author,
                    "title": r.commit.title,
                    "evidence": [e.text for e in r.evidence],
                }
                for place, r in enumerate(self.ranked, 1)
            ],
        }


def which_commit(
    connection: duckdb.DuckDBPyConnection,
    incident: Incident,
    repository: Repository,
    good: str | None = None,
    bad: str | None = None,
) -> Answer:
    """Rank the commits of an incident's range; good, bad: other commits than those of its builds.

    Raises RepositoryError where a commit is not known or not in the repository.
    """
    before, after = incident.previous_build_id, incident.seen_build_id
    good_id = repository.commit_id(good or _commit_of(connection, before, "--good"))
    bad_id = repository.commit_id(bad or _commit_of(connection, after, "--bad"))
    path = changed_path(connection, incident)
    commits = repository.between(good_id, bad_id)
    sources = Sources(repository, path, good_id, bad_id)
    return Answer(
        incident=incident,
        good=good_id,
        bad=bad_id,
        good_build=before,
        bad_build=after,
        ranked=rank(repository, commits, path, sources, incident.family),
        differences=differences(connection, before, after),
        is_path_known=sources.is_known,
    )


def _commit_of(connection: duckdb.DuckDBPyConnection, build: str | None, option: str) -> str:
    if build is None:
        raise RepositoryError(f"no build before it has this figure: name the last good commit with {option}")
    (known,) = ask(connection, "commits/builds", _Build, build_id=build)
    if not known.commit:
        raise RepositoryError(
            f"build {build} has no commit: put it into its build.json, or name it with {option} COMMIT"
        )
    return known.commit
