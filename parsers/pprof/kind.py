"""Which profile it is, told by its content; the file's name only settles what content can't.

Beside the kinds of runtime/pprof there are four that no program's state can be read from; no mart is made
of them:

trace_view
    ``go tool trace -pprof=…``: waits of a trace, with the sample types of a block profile. Its period is of
    type trace.
diff
    the difference of two (``-diff_base``, ``-base``, ``/debug/pprof/heap?seconds=N``): it has values below
    zero, samples of the base, or a state that lasted a while. One made with ``-base`` of two profiles of
    which the second has more everywhere can't be told from a profile.
foreign
    of a program in another language, told by its functions.
custom
    of sample types that runtime/pprof does not write, such as a program's own, or in units that are none
    of bytes or time.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.pprof.units import base_of

if TYPE_CHECKING:
    from tracemill.parsers.pprof.resolve import Profile

# A mutex profile's stacks end where a lock is given back, a block profile's where one waits.
_GIVES_BACK = re.compile(r"\.(R?Unlock|r?unlock\w*|rUnlockSlow|unlockSlow)$|_LostContendedRuntimeLock$")
_COUNTED = ("goroutine", "goroutineleak", "threadcreate")
# What these hold is true at one moment.
_STATES = ("heap", "allocs", *_COUNTED)
# What these sample types are in, if in base units.
_MEASURED = {"alloc_space": "bytes", "inuse_space": "bytes", "delay": "ns", "cpu": "ns"}
# No mart is made of these.
ASIDE = ("custom", "diff", "foreign", "trace_view")
# pprof puts it on the samples of the profile that was subtracted (-diff_base).
_BASE_LABEL = "pprof::base"

_LANGUAGES = {
    ".go": "Go", ".s": "", ".rs": "Rust", ".py": "Python", ".pyx": "Python", ".js": "JavaScript",
    ".mjs": "JavaScript", ".cjs": "JavaScript", ".ts": "JavaScript", ".tsx": "JavaScript", ".java": "Java",
    ".kt": "Java", ".scala": "Java", ".rb": "Ruby", ".php": "PHP", ".cs": ".NET", ".c": "C or C++",
    ".cc": "C or C++", ".cpp": "C or C++", ".cxx": "C or C++", ".h": "C or C++", ".hpp": "C or C++",
    ".ex": "Erlang", ".erl": "Erlang", ".swift": "Swift", ".zig": "Zig", ".ml": "OCaml", ".hs": "Haskell",
}  # fmt: skip
# Where no file is named: pkg.Func, pkg.(*T).Method, path/to/pkg.F.func1.
_GO_NAME = re.compile(
    r"(?:[\w.~%-]+/)*[\w%-]+\.(?:\(\*?\w+(?:\[\.\.\.\])?\)\.)?[\w·-]+(?:\[\.\.\.\])?(?:\.\w+(?:-\w+)?)*"
)
_RUST_NAME = re.compile(r"::h[0-9a-f]{16}$|^<.+ as .+>::|^(?:std|core|alloc)::\w+::")
_CPP_NAME = re.compile(r"::|^_Z|^operator\b|^std::")
_NODE_NAME = re.compile(r"^node:|^\(anonymous\)|:\d+:\d+$")
# A tenth of a program that calls C libraries is Go.
_ENOUGH_GO = 0.1
_LOOKED_AT = 5000
# (a sample type or the period's, its unit) of profilers that write nothing else.
_PROFILERS = {
    ("wall", "nanoseconds"): "a profiler of Node.js",
    ("cpu", "microseconds"): "gperftools",
    ("wall-time", "nanoseconds"): "Datadog",
    ("cpu-time", "nanoseconds"): "Datadog",
    ("exclusive_allocations", "count"): "stackprof",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A capture's kind, and labels that say more of it."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)


def kind_of(profile: Profile, file_name: str) -> Kind:
    """The kind of a profile."""
    language = _language(profile)
    if language != "Go":
        return Kind("foreign", {"language": language} | _profiler(profile))
    if _period_type(profile)[0] == "trace":
        return Kind("trace_view")
    name = _go_kind(profile, file_name)
    if _is_diff(profile, name):
        return Kind("diff", {"of": name})
    return Kind(name)


def _go_kind(profile: Profile, file_name: str) -> str:
    """heap, allocs, block, mutex, cpu, goroutine, goroutineleak, threadcreate or custom.

    heap and allocs differ by the default sample type alone (runtime/pprof.writeAlloc); block and mutex by
    where their stacks end.
    """
    names = [name for name, _ in profile.sample_types]
    bases = {name: base_of(unit)[0] for name, unit in profile.sample_types}
    if any(bases.get(name, unit) != unit for name, unit in _MEASURED.items()):
        return "custom"
    if "alloc_space" in names or "inuse_space" in names:
        default = profile.string_or_empty(profile.message.default_sample_type)
        return "allocs" if default == "alloc_space" else "heap"
    if names == ["contentions", "delay"]:
        return _block_or_mutex(profile.leaf_functions(), file_name)
    if "cpu" in names:
        return "cpu"
    if len(names) == 1 and names[0] in _COUNTED:
        return names[0]
    return "custom"


def _block_or_mutex(leaves: list[str], file_name: str) -> str:
    given_back = [_GIVES_BACK.search(leaf) is not None for leaf in leaves]
    if given_back:
        return "mutex" if 2 * sum(given_back) > len(given_back) else "block"
    return "mutex" if "mutex" in file_name.lower() else "block"


def _is_diff(profile: Profile, name: str) -> bool:
    if name == "custom":
        return False  # a program's own counts may fall below zero
    keys = {profile.strings[i] for i in np.unique(profile.labels[:, 1])} if len(profile.labels) else set()
    lasted = name in _STATES and profile.message.duration_nanos > 0
    return lasted or _BASE_LABEL in keys or bool((profile.values < 0).any())


def _period_type(profile: Profile) -> tuple[str, str]:
    kind, unit = profile.message.period_type
    return profile.string_or_empty(kind), profile.string_or_empty(unit)


def _profiler(profile: Profile) -> dict[str, str]:
    """Who wrote a profile of another language, where its types tell."""
    types = {*profile.sample_types, _period_type(profile)}
    names = [who for kind, who in _PROFILERS.items() if kind in types]
    return {"profiler": names[0]} if names else {}


def _language(profile: Profile) -> str:
    """The language of the program; Go where nothing speaks against it, as in a profile without names."""
    names = profile.function_strings[:_LOOKED_AT]
    files, of_function, counts = np.unique(names[:, 1], return_inverse=True, return_counts=True)
    of_file = [_language_of_file(profile.strings[file]) for file in files.tolist()]
    found: Counter[str] = Counter()
    for language, count in zip(of_file, counts.tolist(), strict=True):
        if language:
            found[language] += count
    is_open = np.array([language is None for language in of_file], bool)[of_function]
    for name, file in names[is_open].tolist():
        if language := _language_of(profile.strings[name], profile.strings[file]):
            found[language] += 1
    total = sum(found.values())
    if not total or found["Go"] >= _ENOUGH_GO * total:
        return "Go"
    return found.most_common(1)[0][0]


def _language_of_file(file: str) -> str | None:
    """By the file's name; "" for one that any language has, None where it does not tell."""
    name = file.replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return _LANGUAGES.get(dot + suffix.lower()) if stem else None


def _language_of(function: str, file: str) -> str:
    """By the function's name, where the file's does not tell; "" where neither does."""
    if _NODE_NAME.search(file) or _NODE_NAME.search(function):
        return "JavaScript"
    if _RUST_NAME.search(function):
        return "Rust"
    if _CPP_NAME.search(function):
        return "C or C++"
    return "Go" if _GO_NAME.fullmatch(function) else ""
