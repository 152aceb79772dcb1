"""What a file is that no format claims, and what to do: files of other tools, error pages, pointers to files.

Told by magic numbers and first lines. This decides nothing: it only makes the message of a refusal say more
than the first bytes.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple


class Foreign(NamedTuple):
    """What it is, and what to do (may be empty)."""

    what: str
    advice: str

    @property
    def is_lost(self) -> bool:
        """Whether it stands in the place of something that was to be saved."""
        return self.what.startswith(_IN_PLACE_OF_A_CAPTURE)

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}" if self.advice else self.what


_IN_PLACE_OF_A_CAPTURE = ("a pointer of", "an error", "HTTP headers", "a web page", "nothing but zero")
_PROFILE_ITSELF = "keep the profile itself (go test -cpuprofile, /debug/pprof)"
_LOAD_OTHER = "Tracemill reads what Go programs write"
_BODY = "save the body alone (curl without -i or -D -)"

# (offset, magic, what it is, what to do)
_MAGICS: tuple[tuple[int, bytes, str, str], ...] = (
    (
        0,
        b"PERFILE2",
        "a perf.data of Linux perf",
        "perf script and a converter to pprof, or Go's own CPU profile",
    ),
    (0, b"2ELIFREP", "a perf.data of Linux perf (big endian)", "Go's own CPU profile is read instead"),
    (0, b"FLR\0", "a recording of Java Flight Recorder", _LOAD_OTHER),
    (0, b"JAVA PROFILE", "a heap dump of Java (hprof)", _LOAD_OTHER),
    (0, b"\xd4\xc3\xb2\xa1", "a network capture (pcap)", _LOAD_OTHER),
    (0, b"\xa1\xb2\xc3\xd4", "a network capture (pcap)", _LOAD_OTHER),
    (0, b"\x4d\x3c\xb2\xa1", "a network capture (pcap)", _LOAD_OTHER),
    (0, b"\x0a\x0d\x0d\x0a", "a network capture (pcapng)", _LOAD_OTHER),
    (0, b"SQLite format 3\0", "an SQLite database", ""),
    (0, b"PAR1", "a Parquet file", "DuckDB reads it: tracemill sql \"from 'FILE'\""),
    (0, b"ARROW1", "an Arrow file", ""),
    (0, b"\x93NUMPY", "a NumPy array", ""),
    (0, b"%PDF-", "a PDF", ""),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", _PROFILE_ITSELF),
    (0, b"\xff\xd8\xff", "a JPEG image", ""),
    (0, b"GIF8", "a GIF image", ""),
    (0, b"\0asm", "a WebAssembly module", "its profiles are read, its call sites are not"),
    (0, b"!<arch>\n", "an archive of object files (.a)", "the linked program is read"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it by hand"),
    (0, b"Rar!\x1a\x07", "a RAR archive", "unpack it by hand"),
    (0, b"\x1f\x9d", "a file of compress (.Z)", "unpack it by hand"),
    (0, b"LZIP", "a file of lzip", "unpack it by hand"),
    (0, b"\xff\x06\0\0sNaPpY", "a snappy stream", "unpack it by hand"),
    (0, b"MDMP", "a minidump of Windows", "GOTRACEBACK=all writes the stacks as text"),
    (0, b"MSCF", "a cabinet of Windows", "unpack it by hand"),
    (0, b"LPKSHHRH", "a journal of systemd", "journalctl --file FILE writes it as text"),
    (0, b"ElfFile\0", "an event log of Windows", ""),
    (0, b"\x80\x04\x95", "a Python pickle", _LOAD_OTHER),
    (0, b"\x00\x63\x76\x6d", "coverage meta data (GOCOVERDIR)", "it holds no times"),
    (0, b"\x00\x63\x77\x6d", "coverage counters (GOCOVERDIR)", "it holds no times"),
    (0, b"go object ", "an object file of the Go compiler", "the linked program is read"),
    (0, b"git-lfs", "a pointer of Git LFS", "git lfs pull"),
    (0, b"PK\x07\x08", "a part of a zip in several files", "join them"),
)

# (expression on the first bytes, what it is, what to do)
_TEXTS: tuple[tuple[str, str, str], ...] = (
    (r"version https://git-lfs\.github\.com/spec", "a pointer of Git LFS", "git lfs pull fetches the file"),
    (
        r"(?:\.\./)*\.git/annex/objects/|/annex/objects/",
        "a pointer of git-annex",
        "git annex get fetches the file",
    ),
    (r"HTTP/[\d.]+ 200", "HTTP headers stand in front", _BODY),
    (r"HTTP/[\d.]+ \d{3}", "an error answer of a server, with its HTTP headers", "see its status line"),
    (
        r"404 page not found|Not Found\s*$",
        "an error answer of a server (404)",
        "does it import net/http/pprof?",
    ),
    (
        r"(?:Could not enable|tracing is already enabled|Profile (?:endpoint|duration)|Unknown profile)",
        "an error answer of net/http/pprof",
        "see its text, and collect again",
    ),
    (
        r"(?:Un)?[Aa]uthori[sz](?:ed|ation)\b.{0,80}\s*$|Forbidden\s*$|Bad Gateway\s*$|Service Unavailable\s*$|"
        r"upstream (?:connect|request)|no healthy upstream|Internal Server Error",
        "an error answer of a server",
        "see its text, and collect again",
    ),
    (
        r"(?:curl|wget|Error from server|error): ",
        "an error message of the command that should have fetched it",
        "",
    ),
    (r"<\?xml[^>]*>\s*(?:<!--.*?-->\s*)?<Error>", "an error answer of an object store", "see its Code"),
    (
        r"<\?xml[^>]*>\s*(?:<!DOCTYPE svg[^>]*>\s*)?(?:<!--.*?-->\s*)*<svg|<svg",
        "a picture (SVG)",
        _PROFILE_ITSELF,
    ),
    (r"(?:<\?xml[^>]*>\s*)?<testsuites?\b", "a JUnit report", "keep the output of go test as well"),
    (r"(?:<\?xml[^>]*>\s*)?<coverage\b", "a coverage report", "it holds no times"),
    (r"<!doctype html|<html|<head|<body", "a web page", "save the raw file that it shows"),
    (r"<\?xml", "an XML file", ""),
    (r"mode: (?:set|count|atomic)\n", "a coverage profile (go test -coverprofile)", "it holds no times"),
    (
        r"\s*\{.{0,2000}?\"traceEvents\"\s*:|\s*\[\s*\{\"(?:name|ph|cat|pid)\":",
        "a Chrome trace (JSON)",
        "keep the trace of runtime/trace itself",
    ),
    (r"\s*\{.{0,2000}?\"\$schema\":\s*\"https://www\.speedscope", "a speedscope profile", _PROFILE_ITSELF),
    (r"\s*\{\"nodes\":\[\{\"id\":", "a CPU profile of V8 (Node.js)", _LOAD_OTHER),
    (r"\s*\{\"snapshot\":\{\"meta\":", "a heap snapshot of V8 (Node.js)", _LOAD_OTHER),
    (r"\s*\{.{0,400}?\"resourceProfiles\"", "profiles of OpenTelemetry (OTLP JSON)", "export them as pprof"),
    (
        r"(?:File|Type|Build ID|Main binary filename): .*\n(?:.*\n){0,12}?(?:Showing|Total:|-{5,})|Showing nodes accounting",
        "the output of go tool pprof (-top, -tree or -list)",
        _PROFILE_ITSELF,
    ),
    (r"PeriodType: ", "the output of go tool pprof -raw", _PROFILE_ITSELF),
    (r"digraph ", "a graph of Graphviz (go tool pprof -dot)", _PROFILE_ITSELF),
    (r"(?:version: 1\n)?creator: |events: |desc: ", "a profile of Valgrind", _LOAD_OTHER),
    (
        r"\S+\s+\d+ (?:\[\d+\] )?\d+\.\d+:\s+(?:\d+ )?[\w:-]+:",
        "the output of perf script",
        "Go's own CPU profile is read",
    ),
    (r"(?:[^\s;]+;)+[^\n]* \d+\n", "collapsed stacks (flamegraph.pl)", _PROFILE_ITSELF),
    (r"#!.*\n", "a script", ""),
    (r"-----BEGIN ", "a key, a certificate or an encrypted text (PEM, PGP)", ""),
    (r"H4sI[A-Za-z0-9+/=\s]+$", "base64 of a gzip", "base64 -d FILE > FILE.gz"),
    (r"UEsDB[A-Za-z0-9+/=\s]+$", "base64 of a zip", "base64 -d FILE > FILE.zip"),
    (
        r"(?:goos|goarch|pkg|cpu): .*\n(?:.*\n)*?.*│",
        "a table of benchstat",
        "keep the output of go test -bench",
    ),
    (
        r"\s*│|name +old .*new .*delta|name +\S+/op",
        "a table of benchstat",
        "keep the output of go test -bench",
    ),
    (r"diff --git |--- \S+\n\+\+\+ ", "a patch", ""),
    (r"module \S+\n", "a go.mod", ""),
    (r"\S+ v\d\S* h1:", "a go.sum", ""),
    (r"(?://.*\n|\s)*package \w+\s*(?://.*)?\n", "Go source", ""),
    (
        r"Trace viewer is listening|Parsing trace|Splitting trace",
        "messages of go tool trace",
        "keep the trace itself",
    ),
    (
        r"pacer: (?:assist ratio=|sweep done at )|scav (?:\d+ )?\d+ KiB work ",
        "lines of GODEBUG=gcpacertrace=1 or scavtrace=1",
        "set gctrace=1 beside it: cycles are read",
    ),
    (r"num_symbols: \d", "an answer of /debug/pprof/symbol", "collect a profile"),
    (r"Offset +Total +|(?:M=-?\d+ P=-?\d+ G=-?\d+ )", "an execution trace as text", "keep the trace itself"),
)
_EXPRESSIONS = tuple((re.compile(e, re.IGNORECASE if "html" in e else 0), w, a) for e, w, a in _TEXTS)
_CORE = 4
_LOOKED_AT = 4096


def foreign(head: bytes) -> Foreign | None:
    """What head begins, if it is a file of another tool, an error page or a pointer."""
    if not head.strip(b"\0"):
        return Foreign("nothing but zero bytes", "was it copied whole?") if head else None
    for offset, magic, what, advice in _MAGICS:
        if head.startswith(magic, offset):
            return Foreign(what, advice)
    if (found := _by_structure(head)) is not None:
        return found
    text = head[:_LOOKED_AT].decode("utf-8", "replace").lstrip("\ufeff\r\n ")
    for expression, what, advice in _EXPRESSIONS:
        if expression.match(text):
            return Foreign(what, advice)
    return None


def _by_structure(head: bytes) -> Foreign | None:
    """What no single magic number tells."""
    if head.startswith(b"\x7fELF") and len(head) > 18:
        kind = int.from_bytes(head[16:18], "little" if head[5] == 1 else "big")
        if kind == _CORE:
            return Foreign("a core dump", "its stacks: GOTRACEBACK=all, or go tool viewcore")
        return Foreign("an ELF file that is no Go program", "")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Foreign("a zip", "its files are read one by one")
    if head[257:262] == b"ustar":
        return Foreign("a tar", "its files are read one by one")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Foreign("a WebP image", "")
    for words in ("<5I", ">5I", "<5Q", ">5Q"):
        if len(head) >= struct.calcsize(words):
            first, second, third, period, fifth = struct.unpack_from(words, head)
            if (first, second, third, fifth) == (0, 3, 0, 0) and period > 0:
                return Foreign("a CPU profile of gperftools", "pprof -proto turns it into one that is read")
    return None
