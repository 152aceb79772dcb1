"""Commits ranked by what they change of an incident's path: weighted evidence, joined as if independent."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracemill.flows.commits import go_source
from tracemill.flows.commits.go_source import Declaration, declarations
from tracemill.flows.commits.kinds import CODE, Kind, kind_of

if TYPE_CHECKING:
    from tracemill.flows.commits.changed_path import ChangedPath, Place
    from tracemill.flows.commits.repository import Change, Commit, Repository
    from tracemill.flows.commits.sources import Sources

# How much of a function's weight each kind of evidence keeps.
TOUCHES, CALLS_NEW, MORE_OF, USES, SAME_FILE, SAME_PACKAGE = 0.75, 0.6, 0.3, 0.45, 0.1, 0.07
REQUIRES, OTHER_REQUIRE, TOOLCHAIN, OTHER_CODE, CONFIGURATION, NATIVE = 0.7, 0.1, 0.2, 0.03, 0.02, 0.3
# What is undone again within the range cannot have stayed.
UNDONE = 0.05
# Words that stand for a cost, by family of metrics: more of them in a function of the path is evidence.
_ALLOCATING = ("make", "append", "new", "map", "string", "byte", "Sprintf", "Clone", "Copy", "&")
_WAITING = ("Lock", "RLock", "Unlock", "Sleep", "chan", "select", "Wait", "<-")
COSTLY = {
    "heap": _ALLOCATING,
    "heap size": _ALLOCATING,
    "collector": _ALLOCATING,
    "waiting": _WAITING,
    "contention": _WAITING,
    "cpu": ("for", "range", "sort", "Sort", "regexp", "json", "Sprintf"),
    "benchmarks": ("for", "range", *_ALLOCATING),
    "goroutines": ("go", "chan", "select", "<-", "Add"),
}
_REVERT = re.compile(r"This reverts commit ([0-9a-f]{7,64})")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a commit is suspected, and how much that weighs."""

    weight: float
    text: str


@dataclass(slots=True)
class Ranked:
    """A commit with its score from 0 to 1, its kinds, and why it is suspected, the best reason first."""

    commit: Commit
    kinds: tuple[str, ...]
    evidence: list[Evidence] = field(default_factory=list)
    reverts: str | None = None
    is_undone: bool = False

    @property
    def is_code(self) -> bool:
        """Whether it changes what a build is made of."""
        return bool(CODE & set(self.kinds))

    @property
    def score(self) -> float:
        """1 less the chance that no evidence holds."""
        left = 1.0
        for e in self.evidence:
            left *= 1 - e.weight
        return (1 - left) * (UNDONE if self.is_undone else 1)


def rank(
    repository: Repository, commits: list[Commit], path: ChangedPath, sources: Sources, family: str
) -> list[Ranked]:
    """The commits, the most suspect first; of equals the newest first."""
    blobs = [
        b for c in commits for change in c.changes if change.path.endswith(".go") for b in _blobs(change)
    ]
    blobs += [b for c in commits for change in c.changes if _is_module(change.path) for b in _blobs(change)]
    texts = repository.contents(blobs)
    by_id = {c.commit: c for c in commits}
    ranked = []
    for commit in commits:
        kinds: Counter[str] = Counter()
        found = Ranked(commit, ())
        for change in commit.changes:
            kind, evidence = _of_change(change, path, sources, texts, family)
            kinds[kind] += 1
            found.evidence += evidence
        if commit.is_merge:
            kinds["merge"] += 1
        if match := _REVERT.search(commit.message):
            reverted = next((c for c in by_id if c.startswith(match[1])), match[1])
            found.reverts = reverted
            kinds["revert"] += 1
        found.kinds = tuple(sorted(kinds)) or ("empty",)
        found.evidence.sort(key=lambda e: -e.weight)
        ranked.append(found)
    reverted_here = {r.reverts for r in ranked if r.reverts in by_id}
    for r in ranked:
        r.is_undone = r.commit.commit in reverted_here or r.reverts in by_id
    return sorted(ranked, key=lambda r: -r.score)


def _blobs(change: Change) -> list[str]:
    return [b for b in (*change.old_ones, change.new) if b]


def _is_module(path: str) -> bool:
    return path.rpartition("/")[2] == "go.mod"


def _of_change(
    change: Change, path: ChangedPath, sources: Sources, texts: dict[str, str], family: str
) -> tuple[str, list[Evidence]]:
    """The kind of a changed file, and what it says of the path."""
    new = texts.get(change.new or "")
    olds = [texts.get(o or "", "") for o in change.old_ones]
    kind = kind_of(change.path, new if new is not None else next(iter(olds), ""))
    if _is_module(change.path):
        return "dependencies", _of_module(olds[0] if olds else "", new or "", path)
    if kind == Kind.TESTS and family != "benchmarks":
        return kind, []
    if change.path.endswith(".go"):
        changed = _changed(olds, new or "")
        if not changed:
            return ("comments" if kind in (Kind.CODE, Kind.GENERATED, Kind.VENDORED) else kind), []
        return kind, _of_go(change, changed, path, sources, family)
    if kind == Kind.NATIVE:
        near = [p for p in path.weights if sources.folder(p) == change.path.rpartition("/")[0]]
        weight = max((path.weights[p] for p in near), default=0.0)
        return kind, [
            Evidence(NATIVE * weight, f"changes {change.path} beside {near[0].text}")
        ] if near else []
    if kind == Kind.CONFIGURATION:
        return kind, [Evidence(CONFIGURATION, f"changes {change.path}")]
    return kind, []


def _changed(olds: list[str], new: str) -> dict[str, tuple[Declaration | None, Declaration | None]]:
    """The declarations whose code differs: of a merge, from that of every parent."""
    after = declarations(new)
    found: dict[str, tuple[Declaration | None, Declaration | None]] | None = None
    for old in olds or [""]:
        before = declarations(old)
        differ = {
            name: (before.get(name), after.get(name))
            for name in {**before, **after}
            if (before[name].code if name in before else ()) != (after[name].code if name in after else ())
        }
        found = differ if found is None else {n: d for n, d in found.items() if n in differ}
    return found or {}


def _of_go(
    change: Change,
    changed: dict[str, tuple[Declaration | None, Declaration | None]],
    path: ChangedPath,
    sources: Sources,
    family: str,
) -> list[Evidence]:
    """Evidence of the declarations that a commit changed in one file."""
    found = [Evidence(OTHER_CODE, f"changes {change.path}")]
    folder = change.path.rpartition("/")[0]
    for name, (before, after) in changed.items():
        best: list[Evidence] = []
        for place, weight in path.weights.items():
            is_here = sources.is_in(place, change.path, change.old_path)
            if is_here and name == place.name:
                undone = sources.is_same_at_both_ends(place)
                found += _of_function(place, weight * (UNDONE if undone else 1), before, after, path, family)
            elif is_here or folder == sources.folder(place):
                keep = USES if sources.uses(place, name, is_same_package=True) else (
                    SAME_FILE if sources.file(place) == change.path else SAME_PACKAGE)  # fmt: skip
                text = (
                    f"changes {name}, which {place.text} uses"
                    if keep == USES
                    else f"changes {name} beside {place.text}"
                )
                best.append(Evidence(keep * weight, text))
            elif sources.uses(place, name, package=sources.package_of(change.path)):
                best.append(Evidence(USES * weight, f"changes {name}, which {place.text} uses"))
        if (
            name not in {p.name for p in path.weights if sources.is_in(p, change.path, change.old_path)}
            and best
        ):
            strongest = max(best, key=lambda e: e.weight)
            more = _more(before, after, family)
            found.append(Evidence(min(strongest.weight * (1 + MORE_OF * bool(more)), 1.0), strongest.text))
    return found


def _of_function(
    place: Place,
    weight: float,
    before: Declaration | None,
    after: Declaration | None,
    path: ChangedPath,
    family: str,
) -> list[Evidence]:
    """A function of the path itself: changed, added or gone; and what it calls now that it did not before."""
    word = "changes" if before and after else "adds" if after else "removes"
    found = [Evidence(TOUCHES * weight, f"{word} {place.text}")]
    old, new = Counter(before.code if before else ()), Counter(after.code if after else ())
    calls = sorted(n for n in path.called.get(place, ()) if new[n] > old[n])
    if calls and before:
        found.append(Evidence(CALLS_NEW * weight, f"calls {', '.join(calls[:3])} in {place.text}"))
    if before and (more := _more(before, after, family)):
        found.append(Evidence(MORE_OF * weight, f"more of {', '.join(more[:3])} in {place.text}"))
    return found


def _more(before: Declaration | None, after: Declaration | None, family: str) -> list[str]:
    """The costly words that the code has more of."""
    old, new = Counter(before.code if before else ()), Counter(after.code if after else ())
    return [w for w in COSTLY.get(family, ()) if new[w] > old[w]]


def _of_module(old: str, new: str, path: ChangedPath) -> list[Evidence]:
    """Evidence of a go.mod: other versions of what the path goes through, of other modules, of Go."""
    before, after = go_source.required(old), go_source.required(new)
    found = []
    for module in sorted({m for m in {**before, **after} if before.get(m) != after.get(m)}):
        weight = max(
            (w for p, w in path.weights.items() if f"{p.package}/".startswith(f"{module}/")), default=0.0
        )
        versions = f"{before.get(module, 'none')} → {after.get(module, 'none')}"
        found.append(Evidence(max(REQUIRES * weight, OTHER_REQUIRE), f"requires {module} {versions}"))
    if go_source.toolchain(old) != go_source.toolchain(new):
        versions = f"{' '.join(go_source.toolchain(old))} → {' '.join(go_source.toolchain(new))}"
        found.append(Evidence(TOOLCHAIN, f"asks for Go {versions}"))
    return found
