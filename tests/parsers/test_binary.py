from __future__ import annotations

import bisect
import gzip
import lzma
import re
import struct
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from examples.toolchain import environment, go, tool
from tests.parsers import reading
from tests.parsers.pprof_messages import Profile
from tests.parsers.record import build
from tracemill.parsers.api import ParseError
from tracemill.parsers.binary import sniff
from tracemill.parsers.binary.buildinfo import MAGIC as BUILD_INFO
from tracemill.parsers.binary.call_scans import SCANS
from tracemill.parsers.binary.callees import WANTED
from tracemill.parsers.binary.calls import text_start_by_entry
from tracemill.parsers.binary.image import BrokenImageError
from tracemill.parsers.binary.lines import Tables, all_lines
from tracemill.parsers.binary.pclntab import Functions

VERSIONS = ["1.21", "1.22", "1.23", "1.24", "1.25", "1.26"]
OTHERS = ["386", "arm", "loong64", "ppc64le", "riscv64", "s390x"]
SAMPLES = Path(__file__).parents[1] / "samples" / "binary"
EVERY_VERSION = pytest.mark.parametrize(
    "version", ["1.27", *(pytest.param(version, marks=pytest.mark.full) for version in VERSIONS)]
)


def go_tool(*arguments: str | Path) -> str:
    command = [go("1.27"), *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout


def sites_of(binary: Path) -> list[dict]:
    return reading.tables(reading.items("binary", binary))["call_sites"].to_pylist()


def row_of(binary: Path) -> dict:
    return reading.tables(reading.items("binary", binary))["binaries"].to_pylist()[0]


def calls_by_objdump(binary: Path) -> set[tuple[int, str, str, int, str]]:
    """(return address, function, file's base name, line, callee) of each wanted CALL or BL."""
    found = set()
    function = ""
    call = re.compile(
        r"\s+(\S+):(\d+)\s+0x([0-9a-f]+)\s+([0-9a-f]+)\s+"
        r"(?:CALL|BL|JAL|BRASL) (?:(?:X1|R14|R1), ?)?(\S+)\(SB\)\s*"
    )
    for line in go_tool("tool", "objdump", binary).splitlines():
        if line.startswith("TEXT "):
            function = line[5:].rsplit("(SB)", 1)[0]
        elif (match := call.fullmatch(line)) and WANTED.match(match[5].removesuffix(".abi0")):
            pc = int(match[3], 16) + len(match[4]) // 2
            found.add((pc, function, match[1], int(match[2]), match[5].removesuffix(".abi0")))
    return found


def sites_like_objdump(binary: Path) -> set[tuple[int, str, str, int, str]]:
    return {
        (r["pc"], r["function"], r["file"].rpartition("/")[2], r["line"], r["callee"])
        for r in sites_of(binary)
    }


def test_the_size_of_a_compressed_binary_is_that_of_its_content():
    for sample in SAMPLES.glob("go*/*.xz"):
        sizes = reading.tables(reading.items("binary", sample))["binary_sizes"].to_pylist()
        assert sizes == [{"file_bytes": len(lzma.decompress(sample.read_bytes()))}], sample


@EVERY_VERSION
@pytest.mark.parametrize("arch", ["amd64", pytest.param("arm64", marks=pytest.mark.full)])
@pytest.mark.full
def test_call_sites_equal_those_of_objdump(version, arch, tmp_path):
    build("maps", version, tmp_path / "maps", GOARCH=arch)
    expected = calls_by_objdump(tmp_path / "maps")
    assert len(expected) > 1000
    assert sites_like_objdump(tmp_path / "maps") == expected


@pytest.mark.full
@pytest.mark.parametrize("arch", OTHERS)
def test_call_sites_of_other_architectures_equal_those_of_objdump(arch, tmp_path):
    build("maps", "1.27", tmp_path / "maps", GOOS="linux", GOARCH=arch, CGO_ENABLED="0")
    expected = calls_by_objdump(tmp_path / "maps")
    assert len(expected) > 1000
    assert sites_like_objdump(tmp_path / "maps") == expected


# Bytes of a call as Go 1.27 writes it, where it returns to, and where the function begins that it calls.
CALLS = [
    ("amd64", "e8fbffffff", 0x401005, 0x401000),
    ("386", "e810000000", 0x401005, 0x401015),
    ("arm64", "feffff97", 0x11004, 0x10FF8),
    ("arm", "feffffeb", 0x11004, 0x11000),
    ("loong64", "ff0fff57", 0x112A8, 0x111B0),
    ("loong64", "01688f56", 0x1189C, 0x7A800),
    ("ppc64le", "4dbcff4b", 0x18518, 0x14160),
    ("ppc64le", "a98a0048", 0x1C92C, 0x253D0),
    ("ppc64", "48008aa9", 0x1C92C, 0x253D0),
    ("riscv64", "efc0ffab", 0x16A8E, 0x13548),
    ("riscv64", "ef004007", 0x12F38, 0x12FA8),
    ("riscv64", "97120000e7800201", 0x12008, 0x13010),  # AUIPC X5, 1 and JALR RA, 16(X5)
    ("s390x", "c0e5ffffff95", 0x14E7C, 0x14DA0),
    ("s390x", "c0e500048e60", 0x142A6, 0xA5F60),
]


@pytest.mark.parametrize(("arch", "code", "returns", "target"), CALLS)
def test_a_call_is_found_wherever_it_stands(arch, code, returns, target):
    call = bytes.fromhex(code)
    # Instructions of arm, arm64, loong64 and ppc64 stand at words, of riscv64 and s390x at halfwords.
    step = 1 if arch in {"386", "amd64"} else 2 if arch in {"riscv64", "s390x"} else 4
    for before in range(0, 5 * step, step):
        for after in range(0, 16, 4):
            text = np.frombuffer(bytes(before) + call + bytes(after), np.uint8)
            found = [a.tolist() for a in SCANS[arch](text, returns - len(call) - before)]
            assert found == [[returns], [target]]


@pytest.mark.parametrize("arch", sorted(SCANS))
def test_a_text_too_short_for_a_call_has_none(arch):
    for size in range(9):
        assert [len(a) for a in SCANS[arch](np.zeros(size, np.uint8), 0x1000)] == [0, 0]


@EVERY_VERSION
@pytest.mark.parametrize("flag", ["-ldflags=-s -w", pytest.param("-buildmode=pie", marks=pytest.mark.full)])
def test_stripped_and_pie_binaries_have_the_same_call_sites(version, flag, tmp_path):
    build("evidence", version, tmp_path / "plain")
    build("evidence", version, tmp_path / "other", flag)
    plain, other = (
        Counter((r["function"], r["file"], r["line"], r["callee"]) for r in sites_of(tmp_path / name))
        for name in ("plain", "other")
    )
    same = sum((plain & other).values())
    # PIE pulls a few functions of its own in; stripping changes nothing.
    assert same == plain.total() if "pie" not in flag else same > 0.98 * plain.total()
    assert row_of(tmp_path / "other")["is_pie"] == ("pie" in flag)


@pytest.mark.full
@EVERY_VERSION
def test_build_info_equals_go_version_m(version, tmp_path):
    build("maps", version, tmp_path / "maps", "-tags=some,tags")
    row = row_of(tmp_path / "maps")
    lines = go_tool("version", "-m", tmp_path / "maps").splitlines()
    assert row["go_version"] == lines[0].rpartition(" ")[2]
    settings = dict(line.split("\t")[2].split("=", 1) for line in lines if line.startswith("\tbuild\t"))
    assert dict(row["build_settings"]) == settings
    assert row["build_settings"]
    assert row["module"] == "example.com/maps"
    assert row["architecture"] == "amd64"
    assert (row["gnu_build_id"] is None) == (version < "1.24")


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*/*.xz")), ids=lambda path: path.parent.name)
def test_without_build_info_the_release_is_told_by_what_the_runtime_says_of_itself(sample, tmp_path):
    told = row_of(sample)["go_version"]
    (tmp_path / "bare").write_bytes(lzma.decompress(sample.read_bytes()).replace(BUILD_INFO, bytes(14)))
    row = row_of(tmp_path / "bare")
    assert row["build_settings"] == []
    assert row["go_version"] == told
    assert told.startswith(f"{sample.parent.name}.")


def test_two_texts_that_may_be_the_release_tell_none(content, tmp_path):
    bare = content.replace(BUILD_INFO, bytes(14))
    at = bare.index(bytes(64), bare.index(b"go1.21.13\0"))
    (tmp_path / "bare").write_bytes(bare[: at + 8] + b"go1.22.1" + bare[at + 16 :])
    assert row_of(tmp_path / "bare")["go_version"] is None


def test_stripped_compressed_sample_is_read_as_it_is():
    rows = sites_of(SAMPLES / "go1.21" / "tiny.linux-amd64.xz")
    mine = [(r["function"], r["line"], r["callee"]) for r in rows if r["function"].startswith("main.")]
    assert mine == [
        ("main.assign", 9, "runtime.mapassign_faststr"),
        ("main.points", 15, "runtime.makemap"),
        ("main.points", 17, "runtime.convT64"),
        ("main.points", 17, "runtime.mapassign"),
    ]


@pytest.mark.parametrize(
    "other",
    ["go1.22/tiny.windows-amd64.xz", "go1.24/tiny.linux-arm64.xz", "go1.26/tiny.darwin-arm64.xz"],
)
def test_other_systems_have_the_map_calls_of_linux_amd64(other):
    mine, linux = (
        [
            (r["function"], r["line"], r["callee"])
            for r in sites_of(SAMPLES / file)
            if r["function"].startswith("main.")
        ]
        for file in (other, "go1.21/tiny.linux-amd64.xz")
    )
    assert mine == linux


def test_c_program_has_a_row_and_says_that_it_is_not_go():
    found = reading.items("binary", Path("/bin/true"))
    assert reading.tables(found)["binaries"].to_pylist()[0]["go_version"] is None
    assert [i.message for i in reading.issues(found)] == [
        "no Go function table (gopclntab): not a Go program?"
    ]


@pytest.fixture(scope="module")
def content() -> bytes:
    return lzma.decompress((SAMPLES / "go1.21" / "tiny.linux-amd64.xz").read_bytes())


def test_cut_binary_names_the_section(content, tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(content[:600_000])
    with pytest.raises(
        ParseError, match=r"cut: section \S+: \d+ bytes at \d+ lie outside the 600000 of the file"
    ):
        sites_of(path)


@pytest.mark.full
def test_flipped_headers_end_in_an_error_or_rows(content, tmp_path):
    table = content.find(b"\xf1\xff\xff\xff\x00\x00\x01\x08")
    path = tmp_path / "flipped"
    # The ELF header, the function table's header, and its first records.
    for at in [*range(16, 64), *range(table, table + 72, 2)]:
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])
        try:
            sites_of(path)
        except ParseError as error:
            assert "flipped" in str(error)
        except KeyError:
            pass  # no call sites: the headers hide the table


def test_cut_headers_are_errors(content, tmp_path):
    path = tmp_path / "short"
    for size in (20, 63, 64, 200, 4000):
        path.write_bytes(content[:size])
        with pytest.raises(ParseError, match="short: "):
            sites_of(path)


@pytest.mark.full
@pytest.mark.parametrize("version", [*VERSIONS, "1.27"])
@pytest.mark.parametrize("system", ["darwin", "windows"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_macho_and_pe_have_the_call_sites_of_objdump(version, system, arch, tmp_path):
    build("maps", version, tmp_path / "maps", GOOS=system, GOARCH=arch)
    build("maps", version, tmp_path / "stripped", "-ldflags=-s -w", GOOS=system, GOARCH=arch)
    expected = calls_by_objdump(tmp_path / "maps")
    assert len(expected) > 1000
    assert sites_like_objdump(tmp_path / "maps") == expected
    assert sites_like_objdump(tmp_path / "stripped") == expected
    row = row_of(tmp_path / "stripped")
    assert (row["architecture"], row["module"]) == (arch, "example.com/maps")
    assert dict(row["build_settings"])["GOOS"] == system


@pytest.mark.full
@EVERY_VERSION
def test_functions_equal_those_of_nm(version, tmp_path):
    build("maps", version, tmp_path / "maps")
    build("maps", version, tmp_path / "stripped", "-ldflags=-s -w")
    symbols = (line.split(None, 2) for line in go_tool("tool", "nm", tmp_path / "maps").splitlines())
    # The symbol table also has the linker's marks, and marks assembly functions by their ABI.
    expected = {
        (int(row[0], 16), row[2].removesuffix(".abi0"))
        for row in symbols
        if row[1] in "Tt" and row[2] not in ("runtime.text", "runtime.etext", "runtime/internal.etext")
    }
    rows = reading.tables(reading.items("binary", tmp_path / "stripped"))["binary_functions"].to_pylist()
    # Nm prints the dot of a local type's number as another one.
    assert {(r["start_pc"], r["function"].replace("·", ".")) for r in rows} == expected
    assert all(a["end_pc"] == b["start_pc"] for a, b in pairwise(rows))


@pytest.mark.full
def test_unsymbolised_profile_finds_its_functions_in_the_binary(tmp_path):
    build("evidence", "1.27", tmp_path / "evidence")
    subprocess.run([tmp_path / "evidence", tmp_path], env=environment(), check=True)
    message = Profile.FromString(gzip.decompress((tmp_path / "cpu.pb.gz").read_bytes()))
    named = {x.address: message.function[x.line[-1].function_id - 1].name for x in message.location if x.line}
    rows = reading.tables(reading.items("binary", tmp_path / "evidence"))["binary_functions"].to_pylist()
    starts = [r["start_pc"] for r in rows]
    assert len(named) > 10  # fewer, the busier the machine
    for address, name in named.items():
        found = rows[bisect.bisect_right(starts, address) - 1]
        # The outermost line of a location is the function that the address lies in.
        assert found["function"] == message.string_table[name].decode()
        assert address < found["end_pc"]


def universal(path: Path, *slices: tuple[int, bytes], is_64: bool = False) -> Path:
    """A universal file with (CPU type, Mach-O file)s, at multiples of 16 KiB as lipo puts them."""
    size = 32 if is_64 else 20
    start = 1 << 14
    header = struct.pack(">II", 0xCAFEBABF if is_64 else 0xCAFEBABE, len(slices))
    body = b""
    for cpu, content in slices:
        at = start + len(body)
        row = (cpu, 0, at, len(content), 14, 0)
        header += struct.pack(">2I2Q2I", *row) if is_64 else struct.pack(">5I", *row[:5])
        body += content + bytes(-len(content) % start)
    assert len(header) == 8 + size * len(slices)
    path.write_bytes(header.ljust(start, b"\0") + body)
    return path


ARM64, AMD64 = 0x0100000C, 0x01000007


@pytest.mark.full
@pytest.mark.parametrize("is_64", [False, True])
def test_universal_file_is_read_as_its_first_image(is_64, tmp_path):
    thin = SAMPLES / "go1.26" / "tiny.darwin-arm64.xz"
    image = lzma.decompress(thin.read_bytes())
    fat = universal(tmp_path / "fat", (ARM64, image), (AMD64, image), is_64=is_64)
    assert sites_of(fat) == sites_of(thin)
    assert row_of(fat) == row_of(thin)
    assert [i.message for i in reading.issues(reading.items("binary", fat))] == [
        "a universal file: arm64 is read, amd64 is not"
    ]


def test_universal_file_that_leads_nowhere_is_an_error(tmp_path):
    path = universal(tmp_path / "fat", (ARM64, b"no executable"))
    with pytest.raises(ParseError, match="fat: architecture 0: not an executable"):
        sites_of(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ParseError, match="fat: architecture 0: 13 bytes at 16384 lie outside"):
        sites_of(path)


def test_java_classes_are_no_universal_files():
    assert not sniff(struct.pack(">IHH", 0xCAFEBABE, 0, 61) + bytes(60))


@pytest.mark.full
@pytest.mark.parametrize("arch", OTHERS)
def test_lines_of_other_architectures_are_those_of_addr2line(arch, tmp_path):
    build("tiny", "1.27", tmp_path / "tiny", GOOS="linux", GOARCH=arch, CGO_ENABLED="0")
    tables = reading.tables(reading.items("binary", tmp_path / "tiny"))
    lines = tables["binary_lines"].to_pylist()
    asked = [f"{r['start_pc']:#x}" for r in lines if r["file"]][::20]
    told = subprocess.run(
        [tool("1.27", "addr2line"), tmp_path / "tiny"],
        input="\n".join(asked) + "\n", capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert len(asked) > 1000
    assert [f"{r['file']}:{r['line']}" for r in lines if r["file"]][::20] == told[1::2]
    assert {f["function"] for f in tables["binary_functions"].to_pylist()} > {"main.assign", "main.points"}


def functions(**offsets: int) -> Functions:
    return Functions(np.array([*offsets.values()], np.uint64), list(offsets), 99)


def test_where_the_code_of_another_architecture_begins_is_told_by_the_entry_point():
    known = functions(**{"runtime.main": 16, "_rt0_riscv64_linux": 32, "_rt0_riscv64_linux_lib": 48})
    assert text_start_by_entry("riscv64", 0x11020, known) == 0x11000
    assert text_start_by_entry("s390x", 0x11020, known) is None
    assert text_start_by_entry("riscv64", 16, known) is None


@pytest.mark.full
def test_universal_file_has_what_go_says_of_it(tmp_path):
    for arch in ("amd64", "arm64"):
        build("tiny", "1.27", tmp_path / arch, GOOS="darwin", GOARCH=arch)
    images = [(cpu, (tmp_path / arch).read_bytes()) for cpu, arch in ((AMD64, "amd64"), (ARM64, "arm64"))]
    fat = universal(tmp_path / "fat", *images)
    lines = go_tool("version", "-m", fat).splitlines()
    settings = dict(line.split("\t")[2].split("=", 1) for line in lines if line.startswith("\tbuild\t"))
    assert dict(row_of(fat)["build_settings"]) == settings
    assert settings["GOARCH"] == row_of(fat)["architecture"] == "amd64"
    assert sites_like_objdump(fat) == calls_by_objdump(tmp_path / "amd64")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/*.xz")), ids=lambda p: p.stem)
def test_lines_of_the_whole_binary_are_those_of_its_call_sites(path):
    tables = reading.tables(reading.items("binary", path))
    lines = tables["binary_lines"].to_pylist()
    starts = [r["start_pc"] for r in lines]
    assert starts == sorted(set(starts))
    assert len(starts) > 20_000
    for site in tables["call_sites"].to_pylist():
        found = lines[bisect.bisect_right(starts, site["pc"] - 1) - 1]
        assert (found["file"], found["line"]) == (site["file"], site["line"])


def test_line_tables_that_announce_too_much_are_an_error():
    # Each of a thousand functions has the same long table.
    varints = b"\0" + b"\2\1" * 5_000 + b"\0"
    same = np.ones(1000, np.int64)
    with pytest.raises(BrokenImageError, match="line tables of 5000000 steps in 10002 bytes"):
        all_lines(Tables(varints, 1, np.arange(1000), same, same, same))
