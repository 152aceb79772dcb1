"""A file that is no capture is refused with what it is, and what to do."""

from __future__ import annotations

import base64
import gzip
import io
import struct
import tarfile
from pathlib import Path

import pytest

from tracemill import parsers
from tracemill.parsers.registry import UnknownFormatError

SAMPLES = Path(__file__).parents[1] / "samples"
HEAP = (SAMPLES / "pprof/go1.27/heap.pb.gz").read_bytes()
ELF = b"\x7fELF\x02\x01\x01" + bytes(9)

FILES: dict[str, tuple[bytes, str]] = {
    "curl -i": (b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n" + HEAP, "HTTP headers stand in front, no capture: save the body"),
    "curl -i of an error": (b"HTTP/2 503\r\n\r\nx", "an error answer of a server"),
    "404": (b"404 page not found\n", r"an error answer of a server \(404\), no capture: does it import net/http/pprof"),
    "busy": (b"Could not enable CPU profiling: cpu profiling already in use\n", "an error answer of net/http/pprof"),
    "web page": (b"<html>\n<head><title>502 Bad Gateway</title></head>\n</html>", "a web page"),
    "index of pprof": (b"<!DOCTYPE html><html><head>\n<title>/debug/pprof/</title>", "a web page"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 9\n", "Git LFS, no capture: git lfs pull"),
    "git-annex": (b"/annex/objects/SHA256E-s9--abc.pb.gz\n", "git-annex"),
    "perf.data": (b"PERFILE2" + bytes(99), "a perf.data of Linux perf"),
    "perf script": (b"web  123 [001] 12.345678:     250000 cpu-clock:u:\n", "the output of perf script"),
    "pacer alone": (b"pacer: assist ratio=1.4 (scan 0 MB in 7->7 MB) workers=0+0.25\n", "set gctrace=1 beside it"),
    "JFR": (b"FLR\0\0\2\0\0", "Java Flight Recorder"),
    "hprof": (b"JAVA PROFILE 1.0.2\0", "a heap dump of Java"),
    "pcap": (b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(16), r"a network capture \(pcap\)"),
    "pcapng": (b"\x0a\x0d\x0d\x0a\x1c\0\0\0", r"a network capture \(pcapng\)"),
    "SQLite": (b"SQLite format 3\0" + bytes(84), "an SQLite database"),
    "Parquet": (b"PAR1" + bytes(20) + b"PAR1", "a Parquet file"),
    "PDF": (b"%PDF-1.7\n", "a PDF"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
    "SVG of pprof": (b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "x" "y">\n<svg width="1">', "a picture"),
    "graph of pprof": (b'digraph "web" {\n', "a graph of Graphviz"),
    "pprof -top": (b"File: web\nType: cpu\nTime: now\nShowing nodes accounting for 1s\n", "the output of go tool pprof"),
    "pprof -raw": (b"PeriodType: cpu nanoseconds\nPeriod: 10\n", "the output of go tool pprof -raw"),
    "collapsed stacks": (b"main;f;g 12\nmain;f 3\n", "collapsed stacks"),
    "Chrome trace": (b'{"traceEvents": [{"name": "x", "ph": "B"}]}', "a Chrome trace"),
    "V8": (b'{"nodes":[{"id":1,"callFrame":{}}]}', "a CPU profile of V8"),
    "speedscope": (b'{"version": "1", "$schema": "https://www.speedscope.app/file-format-schema.json"}', "speedscope"),
    "callgrind": (b"version: 1\ncreator: callgrind-3.22\n", "a profile of Valgrind"),
    "gperftools": (struct.pack("<8Q", 0, 3, 0, 10000, 0, 1, 1, 4096), "a CPU profile of gperftools"),
    "coverage": (b"mode: atomic\nx/a.go:1.2,3.4 1 1\n", "a coverage profile"),
    "JUnit": (b'<?xml version="1.0"?>\n<testsuites tests="1">', "a JUnit report"),
    "benchstat": (b"goos: linux\ngoarch: amd64\n     \xe2\x94\x82 old.txt \xe2\x94\x82\n", "a table of benchstat"),
    "journal": (b"LPKSHHRH" + bytes(99), "a journal of systemd"),
    "core": (ELF + struct.pack("<HH", 4, 62) + bytes(99), "core dump|core"),
    "minidump": (b"MDMP\x93\xa7\0\0", "a minidump of Windows"),
    "object archive": (b"!<arch>\n__.PKGDEF", "an archive of object files"),
    "WebAssembly": (b"\0asm\1\0\0\0", "a WebAssembly module"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive"),
    "base64": (base64.encodebytes(HEAP), "base64 of a gzip, no capture: base64 -d"),
    "Go source": (b"// Package x.\npackage x\n\nfunc f() {}\n", "Go source"),
    "go.mod": (b"module example.com/x\n\ngo 1.27\n", "a go.mod"),
    "go.sum": (b"example.com/x v1.0.0 h1:abc=\n", "a go.sum"),
    "patch": (b"diff --git a/x b/x\n", "a patch"),
    "script": (b"#!/bin/sh\necho\n", "a script"),
    "key": (b"-----BEGIN CERTIFICATE-----\nabc\n", "a key, a certificate"),
    "pickle": (b"\x80\x04\x95\x10\0\0\0", "a Python pickle"),
    "zeros": (bytes(5000), "nothing but zero bytes"),
    "nothing": (b"", "empty file"),
    "anything else": (b"hello\n" * 9, "no known format: begins with b'hello"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_that_is_no_capture_is_named(content, said, is_packed, tmp_path):
    path = tmp_path / "input"
    path.write_bytes(gzip.compress(content) if is_packed else content)
    with pytest.raises(parsers.ParseError, match=f"input: .*(?:{said})"):
        parsers.read(path)


def test_more_than_thirty_kinds_are_known():
    assert len(FILES) > 30


@pytest.mark.parametrize("sample", ["goroutine_dump/go1.27/goroutines.txt", "gctrace/go1.27/gctrace.txt"])
def test_text_inside_what_is_no_text_is_no_capture(sample, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        packed.add(SAMPLES / sample, "in.txt")
    path = tmp_path / "input"
    path.write_bytes(b"\0" * 20 + b"x" + buffer.getvalue())
    with pytest.raises(UnknownFormatError, match="no known format"):
        parsers.read(path)
