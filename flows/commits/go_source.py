"""Go source as far as commits need it: its declarations with their code, and what it says of itself.

Code is compared without comments and layout, so that neither counts as a change. A scanner for the lexical
grammar (Go specification, "Lexical elements"); declarations begin at column 0, as gofmt has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<text>"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])+')"""
    r"""|(?P<word>\w+)"""
    r"""|(?P<sign>.)""",
    re.DOTALL,
)
_DECLARED = re.compile(r"^(func|type|var|const|import|package)\b", re.MULTILINE)
_FUNCTION = re.compile(r"func\s*(?:\(\s*(?:\w+\s+)?(?P<star>\*?)\s*(?P<type>\w+)[^)]*\)\s*)?(?P<name>\w+)")
_GENERATED = re.compile(r"^// Code generated .* DO NOT EDIT\.\r?$", re.MULTILINE)
_PACKAGE = re.compile(r"^package\s+(\w+)", re.MULTILINE)
_MODULE = re.compile(r"^module\s+\"?([^\s\"]+)\"?", re.MULTILINE)
_REQUIRED = re.compile(r"^\s*(?:require\s+)?([\w.~/-]+\.[\w.~/-]+)\s+(v[^\s/]+)", re.MULTILINE)
_TOOLCHAIN = re.compile(r"^(?:go|toolchain)\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A function, or another declaration.

    name: "(*Prices).Lookup", "Table.Len", "NewPrices", or keyword and names; code: its words, no comments.
    """

    name: str
    code: tuple[str, ...]


def declarations(source: str) -> dict[str, Declaration]:
    """The declarations of a file by name; of methods, the receiver without type parameters."""
    starts = _starts(source)
    found: dict[str, Declaration] = {}
    ends = [*(start for start, _ in starts[1:]), len(source)]
    for (start, keyword), end in zip(starts, ends, strict=False):  # no declaration, no end
        text = source[start:end]
        code = words(text)
        if keyword == "func":
            match = _FUNCTION.match(text)
            if not match:
                continue
            receiver = (
                f"(*{match['type']})." if match["star"] else f"{match['type']}." if match["type"] else ""
            )
            name = receiver + match["name"]
        elif keyword in ("type", "var", "const"):
            name = f"{keyword} {' '.join(_names(code))}"
        elif keyword == "import":
            name = keyword
        else:
            continue
        # Several func init are all of that name.
        before = found[name].code if name in found else ()
        found[name] = Declaration(name, before + code)
    return found


def _starts(source: str) -> list[tuple[int, str]]:
    """Where declarations begin, with their keyword; not those within raw strings or comments."""
    hidden = [
        m.span()
        for m in re.finditer(
            r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'|`[^`]*`", source, re.DOTALL
        )
    ]
    found, place = [], 0
    for match in _DECLARED.finditer(source):
        while place < len(hidden) and hidden[place][1] <= match.start():
            place += 1
        if place < len(hidden) and hidden[place][0] <= match.start() < hidden[place][1]:
            continue
        found.append((match.start(), match[1]))
    return found


def words(source: str) -> tuple[str, ...]:
    """The source's tokens without comments and layout."""
    return tuple(m[0] for m in _TOKEN.finditer(source) if m.lastgroup != "space")


def _names(code: tuple[str, ...]) -> list[str]:
    """What a type, var or const declaration declares; of a block, each first word of what follows a name."""
    if len(code) > 1 and code[1] != "(":
        return [code[1]]
    return sorted({word for word in code[2:] if word.isidentifier()})[:50]


def is_generated(source: str) -> bool:
    """Whether it says so in the way that go help generate defines."""
    return bool(_GENERATED.search(source[:10_000]))


def package_name(source: str) -> str | None:
    """The name in its package clause."""
    match = _PACKAGE.search(source)
    return match[1] if match else None


def module_path(go_mod: str) -> str | None:
    """The module that a go.mod declares."""
    match = _MODULE.search(go_mod)
    return match[1] if match else None


def required(go_mod: str) -> dict[str, str]:
    """The modules that a go.mod requires, with their versions."""
    return {m[1]: m[2] for m in _REQUIRED.finditer(re.sub(r"^module.*", "", go_mod, flags=re.MULTILINE))}


def toolchain(go_mod: str) -> tuple[str, ...]:
    """The Go versions that a go.mod asks for."""
    return tuple(m[1] for m in _TOOLCHAIN.finditer(go_mod))
