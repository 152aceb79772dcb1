from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.parsers import reading
from tests.parsers.record import build, run_go
from tracemill import parsers
from tracemill.parsers.api import ParseError

SAMPLES = Path(__file__).parents[1] / "samples" / "listing"
VERSIONS = sorted(p.name for p in SAMPLES.iterdir())
CALLS = [
    ("main.assign", 9, "runtime.mapassign_faststr"),
    ("main.points", 15, "runtime.makemap"),
    ("main.points", 17, "runtime.convT64"),
    ("main.points", 17, "runtime.mapassign"),
]


def table(path: Path, name: str) -> list[dict]:
    return reading.tables(reading.items("listing", path))[name].to_pylist()


@pytest.mark.parametrize("version", VERSIONS)
def test_calls_of_a_compiler_listing(version):
    rows = table(SAMPLES / version / "S.txt", "listing_calls")
    assert sorted((r["function"], r["line"], r["callee"]) for r in rows) == CALLS
    text = (SAMPLES / version / "S.txt").read_text().splitlines()
    for row in rows:
        assert row["file"] == "example.com/tiny/main.go"
        assert f"CALL\t{row['callee']}(SB)" in text[row["input_line"] - 1]
        assert text[row["input_line"]].startswith(f"\t0x{row['return_offset']:04x} ")


@pytest.mark.parametrize("version", VERSIONS)
def test_calls_of_a_disassembly(version):
    rows = table(SAMPLES / version / "objdump.txt", "call_sites")
    assert sorted((r["function"], r["line"], r["callee"]) for r in rows) == CALLS
    assert {r["file"] for r in rows} == {"example.com/tiny/main.go"}


def test_disassembly_has_the_call_sites_of_the_binary(tmp_path):
    build("maps", "1.27", tmp_path / "maps")
    (tmp_path / "dump.txt").write_text(
        run_go("maps", "1.27", "tool", "objdump", str(tmp_path / "maps")).stdout
    )
    binary = reading.tables(reading.items("binary", tmp_path / "maps"))["call_sites"].to_pylist()
    for row in (rows := table(tmp_path / "dump.txt", "call_sites")) + binary:
        row["file"] = row["file"].rpartition("/")[2]
    assert sorted(rows, key=lambda r: r["pc"]) == binary


@pytest.mark.full
def test_listing_offsets_are_those_of_the_binary(tmp_path):
    build("maps", "1.27", tmp_path / "maps")
    listing = run_go("maps", "1.27", "build", "-trimpath", "-o", "/dev/null", "-gcflags=-S").stderr
    (tmp_path / "S.txt").write_text(listing)
    binary = reading.tables(reading.items("binary", tmp_path / "maps"))["call_sites"].to_pylist()
    # Functions begin at multiples of 32. One that is inlined everywhere is not linked, and of a
    # generic function that several packages compile the linker takes any.
    linked = {r["function"] for r in binary}
    there = Counter((r["file"], r["line"], r["callee"], r["pc"] % 32) for r in binary)
    mine = Counter(
        (r["file"], r["line"], r["callee"], r["return_offset"] % 32)
        for r in table(tmp_path / "S.txt", "listing_calls")
        if r["function"] in linked and r["function"].startswith("main.")
    )
    assert mine.total() > 150
    assert not mine - there


def calls_of(path: Path) -> list[dict]:
    return reading.tables(reading.items("listing", path))["listing_calls"].to_pylist()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/S*.txt")), ids=lambda p: f"{p.parent.name} {p.stem}")
def test_calls_have_the_type_of_their_map(path):
    rows = calls_of(path)
    assert {
        (r["line"], r["callee"], r["map_type"]) for r in rows if r["callee_class"].startswith("map_")
    } == {
        (9, "runtime.mapassign_faststr", "map[string]int"),
        (15, "runtime.makemap", "map[main.point]interface {}"),
        (17, "runtime.mapassign", "map[main.point]interface {}"),
    }
    assert {r["map_type"] for r in rows if not r["callee_class"].startswith("map_")} == {None}
    # On arm64 functions are aligned to less than on amd64.
    assert {r["architecture"] for r in rows} == {None if "arm64" in path.name else "amd64"}


def test_a_type_that_another_call_was_given_is_no_type_of_the_next(tmp_path):
    instructions = [
        "LEAQ\ttype:map[string]int(SB), AX",
        "CALL\truntime.mapassign_faststr(SB)",
        "MOVQ\t8(BX), AX",
        "CALL\truntime.mapassign_fast64(SB)",
        "LEAQ\ttype:int(SB), AX",
    ]
    body = [f"\t0x{4 * n:04x} {4 * n:05d} (a.go:{n})\t{text}" for n, text in enumerate(instructions)]
    other = ["main.g STEXT size=9 args=0x0", "\t0x0000 00000 (a.go:9)\tCALL\truntime.mapassign(SB)"]
    path = tmp_path / "S.txt"
    path.write_text("\n".join(["main.f STEXT size=99 args=0x0", *body, *other, ""]))
    assert [(r["line"], r["map_type"]) for r in calls_of(path)] == [
        (1, "map[string]int"),
        (3, None),
        (9, None),
    ]


# main.put of a program built with Go 1.27, by go tool objdump -gnu and -S.
GNU = (
    "TEXT main.put(SB) /src/main.go\n"
    "  main.go:79\t\t0x71be11\t\te82ad0ceff\t\t"
    "CALL runtime.mapassign_faststr(SB)   // callq 0x408e40\t\t\t\t\t\t\n"
)
WITH_SOURCE = (
    "TEXT main.put(SB) /src/main.go\n\tm[k] = v\n"
    "  0x71be11\t\te82ad0ceff\t\tCALL runtime.mapassign_faststr(SB)\t\n"
)


def test_gnu_syntax_beside_the_instructions_hides_no_call(tmp_path):
    path = tmp_path / "objdump.txt"
    path.write_text(GNU)
    (call,) = parsers.read(path)["call_sites"].to_pylist()
    assert (call["pc"], call["file"], call["line"]) == (0x71BE16, "/src/main.go", 79)
    assert call["callee"] == "runtime.mapassign_faststr"


def test_disassembly_without_lines_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "objdump.txt"
    path.write_text(WITH_SOURCE)
    with pytest.raises(ParseError, match=r"objdump\.txt: .*make the listing without -S"):
        parsers.read(path)
