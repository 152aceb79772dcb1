"""Which function of a Go program a benchmark of the warehouse is: [package.]Name[/sub-benchmark]-procs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.flows.names import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What follows Benchmark never begins with a small letter, as a package or its domain mostly does.
_SUBJECT = re.compile(r"(?:(?P<package>.+?)\.)?(?P<name>[^a-z./][^./]*?)?(?:/.*)?-\d+")


def benchmark_of(subject: str) -> tuple[str, str]:
    """Its package, or nothing, and its function: of a/route.Lookup/param-2 a/route and BenchmarkLookup."""
    found = _SUBJECT.fullmatch(subject)
    package, name = (found["package"] or "", found["name"] or "") if found else ("", subject)
    return package, f"Benchmark{name}"


def holds_benchmark(subject: str) -> Callable[[Sequence[str]], bool]:
    """Whether a stack of functions holds the benchmark's, or a closure of it, as a sub-benchmark is one."""
    package, function = benchmark_of(subject)
    own = f"{re.escape(package)}(?:_test)?" if package else ".*"
    is_own = re.compile(rf"{own}\.{re.escape(function)}(?:\..*)?", re.DOTALL).fullmatch
    return lambda functions: any(is_own(plain(name)) for name in functions)
