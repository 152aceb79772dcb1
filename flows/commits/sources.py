"""Where a path's functions stand in a repository: packages to folders, files of stacks to paths, and code.

A stack's file is absolute on the machine that built it, or begins with the module (-trimpath): what it has in
common with the repository is its end. A function's package gives its folder by the modules in go.mod files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.flows.commits import go_source
from tracemill.flows.commits.go_source import Declaration, declarations

if TYPE_CHECKING:
    from tracemill.flows.commits.changed_path import ChangedPath, Place
    from tracemill.flows.commits.repository import Repository

_VENDOR = ("vendor/", "third_party/")


class Sources:
    """The code of the path's functions at both ends of a range of commits."""

    def __init__(self, repository: Repository, path: ChangedPath, good: str, bad: str) -> None:
        ends = [repository.files(good), repository.files(bad)]
        self._paths = {p for files in ends for p in files if p.endswith(".go")}
        mods = {p: b for files in ends for p, b in files.items() if p.rpartition("/")[2] == "go.mod"}
        texts = repository.contents(mods.values())
        # Import path → folder, the longest module first.
        self._modules = sorted(
            (
                (module, p.rpartition("/")[0])
                for p, b in mods.items()
                if (module := go_source.module_path(texts.get(b, "")))
            ),
            key=lambda m: -len(m[0]),
        )
        self._folders = {
            place: self._folder_of(place, path.files.get(place, set())) for place in path.weights
        }
        wanted = {f for f in self._folders.values() if f is not None}
        blobs = [
            {p: b for p, b in files.items() if p.endswith(".go") and p.rpartition("/")[0] in wanted}
            for files in ends
        ]
        code = repository.contents(b for found in blobs for b in found.values())
        self._code: list[dict[tuple[str, str], Declaration]] = []
        self._files: dict[tuple[str, str], str] = {}
        for found in blobs:
            of_end: dict[tuple[str, str], Declaration] = {}
            for file, blob in found.items():
                folder = file.rpartition("/")[0]
                for name, declared in declarations(code.get(blob, "")).items():
                    of_end[folder, name] = declared
                    self._files[folder, name] = file
            self._code.append(of_end)

    def _folder_of(self, place: Place, files: set[str]) -> str | None:
        """The folder of a function's package in the repository; None for one of the standard library, say."""
        if place.package != "main":
            for module, folder in self._modules:
                if place.package == module or place.package.startswith(f"{module}/"):
                    inner = place.package[len(module) + 1 :]
                    return "/".join(part for part in (folder, inner) if part)
            for vendor in _VENDOR:
                if any(p.startswith(f"{vendor}{place.package}/") for p in self._paths):
                    return vendor + place.package
            if "." not in place.package.partition("/")[0] and not files:
                return None
        found = {match for file in files if (match := self._matching(file))}
        return found.pop().rpartition("/")[0] if len(found) == 1 else None

    def _matching(self, file: str) -> str | None:
        """The path of the repository that has most of its end in common with a stack's file."""
        parts = file.replace("\\", "/").split("/")
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            alike = [p for p in self._paths if p == end or p.endswith(f"/{end}")]
            # A bare name alone is too common to go by, but for files at the top.
            if len(alike) == 1 and (start < len(parts) - 1 or alike[0] == end):
                return alike[0]
        return None

    @property
    def is_known(self) -> bool:
        """Whether any function of the path stands in the repository."""
        return any(f is not None for f in self._folders.values())

    def folder(self, place: Place) -> str | None:
        """The folder of its package."""
        return self._folders.get(place)

    def file(self, place: Place) -> str | None:
        """The file that declares it."""
        return self._files.get((self._folders.get(place) or "", place.name))

    def is_in(self, place: Place, path: str, old_path: str | None) -> bool:
        """Whether a file is of its package."""
        folder = self._folders.get(place)
        return folder is not None and folder in {
            path.rpartition("/")[0],
            (old_path or path).rpartition("/")[0],
        }

    def is_same_at_both_ends(self, place: Place) -> bool:
        """Whether what was changed of it in between was undone again."""
        key = (self._folders.get(place) or "", place.name)
        good, bad = (end.get(key) for end in self._code)
        return good is not None and bad is not None and good.code == bad.code

    def package_of(self, path: str) -> str:
        """The last part of the import path of a file's package, as other packages commonly call it."""
        return path.rpartition("/")[0].rpartition("/")[2]

    def uses(self, place: Place, name: str, *, is_same_package: bool = False, package: str = "") -> bool:
        """Whether a function's code names a declaration: alone, or as package.Name or .Method elsewhere."""
        key = (self._folders.get(place) or "", place.name)
        codes = [d.code for end in self._code if (d := end.get(key))]
        kind, _, listed = name.partition(" ")
        names = listed.split() if listed else [kind.rpartition(".")[2]]
        for code in codes:
            if is_same_package:
                if any(n in code for n in names):
                    return True
                continue
            for n in names:
                if not n[:1].isupper():
                    continue
                before = {tuple(code[max(i - 2, 0) : i]) for i, word in enumerate(code) if word == n}
                is_method = "." in name and not listed
                if any(b[-1:] == (".",) and (is_method or b[:1] == (package,)) for b in before):
                    return True
        return False
