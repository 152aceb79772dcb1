"""A zip or tar stands for the files in it: each is a capture of its own, under caps, and nothing is
merged."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from tracemill import parsers
from tracemill.flows.loading.discover import discover
from tracemill.flows.loading.ingest import ingest
from tracemill.parsers.api import ParseError
from tracemill.parsers.unwrap import archive
from tracemill.parsers.unwrap.archive import files_in
from tracemill.warehouse.catalog import Catalog

SAMPLES = Path(__file__).parents[1] / "samples"
DUMP = (SAMPLES / "goroutine_dump/go1.27/goroutines.txt").read_bytes()
HEAP = (SAMPLES / "pprof/go1.27/heap.pb.gz").read_bytes()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


PACKED = {
    "zip": zipped,
    "zip, stored": lambda files: zipped(files, zipfile.ZIP_STORED),
    "tar": tarred,
    "tar.gz": lambda files: gzip.compress(tarred(files)),
    "tar.zst": lambda files: zstd(tarred(files)),
    "tar.xz": lambda files: lzma.compress(tarred(files)),
    "zip in a tar.gz": lambda files: gzip.compress(tarred({"in.zip": zipped(files)})),
    "tar.gz in a zip": lambda files: zipped({"in.tar.gz": gzip.compress(tarred(files))}),
}


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_each_member_is_a_capture_of_its_own(pack, tmp_path):
    path = tmp_path / "artifact"
    path.write_bytes(pack({"first.txt": DUMP, "sub/second.txt": DUMP, "heap.pb.gz": HEAP}))
    found = {c.path.removeprefix(f"{path}/").removeprefix("in.zip/").removeprefix("in.tar.gz/"): c
             for c in parsers.captures(path)}  # fmt: skip
    assert {name: c.facts.kind for name, c in found.items()} == {
        "first.txt": "goroutine_dump", "heap.pb.gz": "heap", "sub/second.txt": "goroutine_dump",
    }  # fmt: skip
    plain = parsers.read(SAMPLES / "goroutine_dump/go1.27/goroutines.txt")
    assert found["first.txt"].tables() == found["sub/second.txt"].tables() == plain


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_an_archive_of_one_file_reads_like_that_file(pack, tmp_path):
    path = tmp_path / "artifact"
    path.write_bytes(pack({"dump.txt": DUMP}))
    assert parsers.read(path) == parsers.read(SAMPLES / "goroutine_dump/go1.27/goroutines.txt")


def test_an_archive_of_several_is_refused_where_one_capture_is_asked_for(tmp_path):
    path = tmp_path / "artifact"
    path.write_bytes(zipped({"a": DUMP, "b": DUMP}))
    with pytest.raises(ParseError, match=r"artifact: an archive of 2 files: read each by captures\(\)"):
        parsers.read(path)


def problems(path: Path) -> dict[str, str]:
    return {"/".join(way): fact for way, fact in files_in(path) if fact is not None}


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "a//out", "a/./out", "bell\x07"])
def test_a_name_that_leads_out_of_the_archive_is_refused(pack, name, tmp_path):
    path = tmp_path / "artifact"
    path.write_bytes(pack({name: DUMP, "fine": DUMP}))
    fact = "has a name that leads out of the archive, or is none"
    assert list(problems(path).values()) == [fact]
    assert [way for way, wrong in files_in(path) if wrong is None] == [("fine",)]


def test_links_and_devices_in_a_tar_are_told_and_not_followed(tmp_path):
    path = tmp_path / "artifact.tar"
    with tarfile.open(path, "w") as packed:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            packed.addfile(info)
    assert problems(path) == dict.fromkeys(("link", "hard", "device"), "is a link or no regular file")


def test_an_encrypted_member_is_told(tmp_path):
    content = bytearray(zipped({"dump.txt": DUMP}))
    content[6] |= 1  # the flag in the member's own header, and in the list of all
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "artifact.zip"
    path.write_bytes(content)
    assert problems(path) == {"dump.txt": "is encrypted: unpack it by hand"}


def test_a_member_that_stands_twice_is_told_and_the_last_is_read(tmp_path):
    path = tmp_path / "artifact.tar"
    with tarfile.open(path, "w") as packed:
        for content in (b"first", DUMP):
            info = tarfile.TarInfo("dump.txt")
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    assert problems(path) == {"dump.txt": "stands there twice; the last is read"}
    assert [c.format for c in parsers.captures(path)] == ["", "goroutine_dump"]


def test_archives_in_each_other_have_a_cap(tmp_path):
    content = DUMP
    for depth in range(4):
        content = zipped({f"in{depth}": content})
    path = tmp_path / "artifact.zip"
    path.write_bytes(content)
    assert problems(path) == {"in3/in2/in1": "an archive in more than 2 others: unpack it by hand"}


def test_the_number_of_members_has_a_cap(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    path = tmp_path / "artifact.zip"
    path.write_bytes(zipped({f"dump{i}": DUMP for i in range(9)}))
    assert problems(path) == {"dump3": "is not read, nor are those behind it: more than 3 files"}


@pytest.mark.parametrize(
    "pack", [zipped, lambda files: gzip.compress(tarred(files)), lambda f: zstd(tarred(f))]
)
def test_a_bomb_in_an_archive_is_refused_before_it_is_unpacked(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_FREE_BYTES", 1 << 20)
    path = tmp_path / "artifact"
    path.write_bytes(pack({"bomb": bytes(1 << 23)}))
    assert [way for way, wrong in files_in(path) if wrong is None] == []
    (fact,) = problems(path).values()
    assert "more than the cap" in fact


@pytest.mark.parametrize("cut", [40, 1000, -30])
@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_a_cut_archive_is_named_and_gives_no_half_of_a_file(pack, cut, tmp_path):
    path = tmp_path / "artifact"
    path.write_bytes(pack({f"dump{i}.txt": DUMP for i in range(3)})[:cut])
    try:
        for found in parsers.captures(path):
            assert found.error is not None or found.facts.kind == "goroutine_dump"
    except ParseError as error:
        assert "artifact" in str(error)


@pytest.mark.parametrize(
    ("name", "what"), [("META-INF/MANIFEST.MF", "a Java archive"), ("mimetype", "OpenDocument")]
)
def test_a_zip_that_is_something_else_is_named(name, what, tmp_path):
    path = tmp_path / "artifact"
    path.write_bytes(zipped({name: b"x", "other": DUMP}))
    assert what in "".join(problems(path).values())


def layout(path: Path) -> list[tuple[str, str | None, str]]:
    found = discover([path])
    assert not found.failures
    return [(i.build_id, i.run_id, i.path) for i in found.inputs]


def test_a_cut_zip_is_called_one_and_an_empty_one_is_told(tmp_path):
    run = tmp_path / "artifacts/b1"
    run.mkdir(parents=True)
    (run / "1.zip").write_bytes(zipped({"dump.txt": DUMP})[:-30])
    (run / "2.zip").write_bytes(zipped({}))
    found = discover([tmp_path / "artifacts"])
    assert [f.message for f in found.failures] == [
        "b1/1.zip: a zip that is cut off or broken: File is not a zip file",
        "b1/2.zip: a zip without files",
    ]


@pytest.mark.parametrize("wrapper", ["", "b7/"])
def test_an_archive_stands_for_a_builds_folder(wrapper, tmp_path):
    (tmp_path / "b7.zip").write_bytes(
        zipped(
            {f"{wrapper}build.json": b'{"commit": "abc"}', f"{wrapper}r1/heap": HEAP, f"{wrapper}app": HEAP}
        )
    )
    assert layout(tmp_path) == [
        ("b7", None, f"b7.zip/{wrapper}app"),
        ("b7", "r1", f"b7.zip/{wrapper}r1/heap"),
    ]
    assert discover([tmp_path]).builds["b7"].commit == "abc"


@pytest.mark.parametrize("wrapper", ["", "r1/", "data/"])
def test_an_archive_stands_for_a_runs_folder(wrapper, tmp_path):
    (tmp_path / "b7").mkdir()
    content = tarred({f"{wrapper}run.json": b'{"work": {"requests": 5}}', f"{wrapper}heap": HEAP})
    (tmp_path / "b7" / "r1.tar.gz").write_bytes(gzip.compress(content))
    assert layout(tmp_path) == [("b7", "r1", f"b7/r1.tar.gz/{wrapper}heap")]
    assert discover([tmp_path]).work == {("b7", "r1"): {"requests": 5.0}}


def test_an_archive_stands_for_the_folder_of_all_builds(tmp_path):
    path = tmp_path / "download.zip"
    path.write_bytes(zipped({f"artifacts/b{i}/r1/heap": HEAP for i in (1, 2)}))
    assert layout(path) == [(f"b{i}", "r1", f"artifacts/b{i}/r1/heap") for i in (1, 2)]


def test_members_are_loaded_once_and_like_the_files_that_they_are(tmp_path):
    run = tmp_path / "artifacts/b1/1"
    run.mkdir(parents=True)
    (run / "all.zip").write_bytes(zipped({"dump.txt": DUMP, "heap.pb.gz": HEAP}))
    warehouse = tmp_path / "warehouse"
    assert len(ingest([tmp_path / "artifacts"], warehouse).loaded) == 2
    again = ingest([tmp_path / "artifacts"], warehouse)
    assert (len(again.loaded), again.unchanged) == (0, 2)
    (run / "heap.pb.gz").write_bytes(HEAP)
    assert ingest([tmp_path / "artifacts"], warehouse).loaded == []
    paths = {c.path: c.kind for c in Catalog.load(warehouse).captures.values()}
    assert paths == {"b1/1/all.zip/dump.txt": "goroutine_dump", "b1/1/all.zip/heap.pb.gz": "heap"}
