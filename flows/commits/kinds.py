"""What kind of file a commit changed: code of the program, or what no build is made of."""

from __future__ import annotations

import re
from enum import StrEnum

from tracemill.flows.commits.go_source import is_generated


class Kind(StrEnum):
    """What a changed file is."""

    CODE = "code"
    GENERATED = "generated"
    VENDORED = "vendored"
    NATIVE = "assembly or C"
    DEPENDENCIES = "dependencies"
    TESTS = "tests"
    DOCS = "docs"
    CONFIGURATION = "configuration"


# Of these a build is made; the rest can change its figures only through its environment.
CODE = {Kind.CODE, Kind.GENERATED, Kind.VENDORED, Kind.NATIVE, Kind.DEPENDENCIES}
_VENDORED = re.compile(r"(?:^|/)(?:vendor|third_party)/")
_NATIVE = (".s", ".S", ".c", ".h", ".cc", ".cpp", ".syso")
_DOCS = re.compile(
    r"(?:^|/)(?:docs?/|README|LICENSE|CHANGELOG|CONTRIBUTING|AUTHORS|CODEOWNERS|NOTICE)|\.(?:md|rst|adoc|txt)$"
)


def kind_of(path: str, text: str) -> Kind:
    """The kind of a file by its path and, of Go source, by what it says of itself."""
    name = path.rpartition("/")[2]
    if _VENDORED.search(path):
        return Kind.VENDORED
    if name.endswith("_test.go") or "/testdata/" in f"/{path}":
        return Kind.TESTS
    if name.endswith(".go"):
        return Kind.GENERATED if is_generated(text) else Kind.CODE
    if name in ("go.mod", "go.sum", "go.work", "go.work.sum"):
        return Kind.DEPENDENCIES
    if name.endswith(_NATIVE):
        return Kind.NATIVE
    return Kind.DOCS if _DOCS.search(path) else Kind.CONFIGURATION
