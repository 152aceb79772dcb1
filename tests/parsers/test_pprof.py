from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from tests.parsers import gopprof, reading
from tests.parsers.pprof_messages import Profile
from tracemill.parsers import pprof
from tracemill.parsers.api import Batch, Issue, Options, ParseError, with_all_stacks
from tracemill.parsers.unwrap.source import Source

from .profiles import frames_of, items_of, labels_in_go_order, read, rows_of, small, write

SAMPLES = Path(__file__).parents[1] / "samples" / "pprof"
FILES = sorted(SAMPLES.glob("*/*.pb.gz"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_sample_equals_pprof_raw(path):
    expected = gopprof.raw(path)
    rows, stacks = rows_of(path)
    n_types = len(expected.types)
    units = {"ns": "nanoseconds"}
    types = [f"{r['sample_type']}/{units.get(r['unit'], r['unit'])}" for r in rows[:n_types]]
    assert types == expected.types
    ours = Counter()
    for i in range(0, len(rows), n_types):
        row = rows[i]
        assert {r["sample_index"] for r in rows[i : i + n_types]} == {i // n_types}
        values = tuple(r["value"] for r in rows[i : i + n_types])
        frames = frames_of(stacks.get(row["stack_id"]))
        ours[values, frames, row["leaf_pc"], labels_in_go_order(row)] += 1
    assert ours == expected.samples
    assert {r["sampling_period"] for r in rows} == {expected.period}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_flat_and_cumulative_values_equal_pprof_top(path):
    rows, stacks = rows_of(path)
    for sample_type in dict.fromkeys(r["sample_type"] for r in rows):
        flat, cum = Counter(), Counter()
        for row in rows:
            if row["sample_type"] == sample_type and row["stack_id"] is not None:
                functions = stacks[row["stack_id"]]["functions"]
                flat[functions[0]] += row["value"]
                cum.update(dict.fromkeys(functions, row["value"]))
        expected = {f: v for f, v in gopprof.top(path, sample_type).items() if v != (0, 0)}
        assert {f: (flat[f], cum[f]) for f in cum if cum[f]} == expected


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_kind_is_told_by_content(path, tmp_path):
    nameless = tmp_path / "x"
    nameless.write_bytes(path.read_bytes())
    facts = reading.facts(items_of(nameless))
    kind = path.name.removesuffix(".pb.gz")
    assert facts.kind == {"open_sessions": "custom"}.get(kind, kind)
    assert facts.captured_at_ns > 1_700_000_000_000_000_000
    assert (facts.duration_ns is not None) == (kind == "cpu")


def test_mappings_carry_the_build_id():
    mappings = read(SAMPLES / "go1.27" / "heap.pb.gz")["profile_mappings"].to_pylist()
    assert mappings[0]["mapping_index"] == 0
    assert mappings[0]["mapping_start"] == 0x400000
    assert len(mappings[0]["gnu_build_id"]) == 40
    assert mappings[1]["mapping_file"] == "[vdso]"


def test_heap_samples_carry_the_object_size():
    rows, _ = rows_of(SAMPLES / "go1.27" / "heap.pb.gz")
    for objects, space in zip(rows[0::4], rows[1::4], strict=True):
        size = dict(objects["numeric_labels"])["bytes"]
        assert size > 0
        assert (space["value"] == 0) == (objects["value"] == 0)


def test_inlined_lines_come_innermost_first(tmp_path):
    _, stacks = rows_of(write(tmp_path, small()))
    assert frames_of(next(iter(stacks.values()))) == (
        ("main.leaf", "main.go", 10),
        ("main.root", "main.go", 20),
        ("main.root", "main.go", 30),
    )


def test_labels_keep_text_numbers_and_units(tmp_path):
    p = small()
    p.string_table.extend([b"user", b"ann", b"size", b"bytes", b"bob"])
    sample = p.sample[0]
    sample.label.add(key=6, str=7)
    sample.label.add(key=6, str=10)
    sample.label.add(key=8, num=42, num_unit=9)
    p.sample.add(value=[1])
    rows, _ = rows_of(write(tmp_path, p))
    assert rows[0]["labels"] == [("user", "ann, bob")]
    assert rows[0]["numeric_labels"] == [("size", 42)]
    assert rows[0]["numeric_units"] == [("size", "bytes")]
    assert (rows[1]["labels"], rows[1]["stack_id"], rows[1]["leaf_pc"]) == (None, None, None)


def test_negative_values_of_a_diff_are_kept(tmp_path):
    p = small()
    p.sample[0].value[0] = -7
    rows, _ = rows_of(write(tmp_path, p))
    assert rows[0]["value"] == -7


def test_location_without_lines_is_named_for_its_mapping(tmp_path):
    p = small()
    p.string_table.append(b"/usr/lib/libc.so")
    p.mapping.add(id=2, memory_start=0x7000, memory_limit=0x8000, filename=6)
    p.location.add(id=9, address=0x7010, mapping_id=2)
    p.sample.add(location_id=[9], value=[1])
    rows, stacks = rows_of(write(tmp_path, p))
    assert frames_of(stacks[rows[1]["stack_id"]]) == (("[libc.so]", "", 0),)
    assert (rows[1]["leaf_pc"], rows[1]["mapping_index"]) == (0x7010, 0)


def test_dangling_location_is_an_issue_and_the_rest_is_kept(tmp_path):
    p = small()
    p.sample.add(location_id=[17, 4], value=[3])
    path = write(tmp_path, p)
    assert reading.issues(items_of(path)) == [
        Issue("data_loss", "input", "sample 1", "refers to missing location 17")
    ]
    rows, stacks = rows_of(path)
    assert rows[1]["value"] == 3
    assert frames_of(stacks[rows[1]["stack_id"]]) == (("main.root", "main.go", 30),)


def test_dangling_function_and_mapping_are_issues(tmp_path):
    p = small()
    p.location[1].line[0].function_id = 99
    p.location[1].mapping_id = 9
    issues = reading.issues(items_of(write(tmp_path, p)))
    assert [(i.position, i.message) for i in issues] == [
        ("location 1", "refers to missing mapping 9"),
        ("location 1", "refers to missing function 99"),
    ]


def test_bad_string_index_is_an_issue(tmp_path):
    p = small()
    p.function[1].name = 66
    issues = reading.issues(items_of(write(tmp_path, p)))
    assert [(i.position, i.message) for i in issues] == [
        ("function 1", "refers to string 66 of a table of 6")
    ]


def test_string_table_that_is_not_utf8_is_an_issue(tmp_path):
    p = small()
    p.string_table[3] = b"main.\xff"
    path = write(tmp_path, p)
    assert [i.position for i in reading.issues(items_of(path))] == ["string 3"]
    _, stacks = rows_of(path)
    assert frames_of(next(iter(stacks.values())))[0][0] == "main.\ufffd"


@pytest.mark.parametrize("second", ["heap", "block", "cpu"])
@pytest.mark.parametrize("read_bytes", [Path.read_bytes, lambda path: gzip.decompress(path.read_bytes())])
def test_profiles_joined_in_one_file_are_called_so(second, read_bytes, tmp_path):
    path = tmp_path / "joined.pb.gz"
    path.write_bytes(b"".join(read_bytes(SAMPLES / f"go1.27/{name}.pb.gz") for name in ("heap", second)))
    with pytest.raises(ParseError, match=r"joined.pb.gz: several profiles joined in one file: save each"):
        items_of(path)


def spoil_values(p):
    p.sample[0].value.append(1)


def spoil_ids(p):
    p.location[1].id = 3


def spoil_type(p):
    p.sample_type[0].type = 99


def spoil_strings(p):
    del p.string_table[0]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_values, "sample 0: has 2 values for 1 sample types"),
        (spoil_ids, "location 3: the id is used more than once"),
        (spoil_type, "sample type: is string 99 of a table of 6"),
        (spoil_strings, "string table: must begin with an empty string"),
    ],
)
def test_profile_that_go_refuses_is_refused_with_its_place(spoil, message, tmp_path):
    p = small()
    spoil(p)
    path = write(tmp_path, p)
    with pytest.raises(ParseError, match=message):
        items_of(path)


def test_cut_profile_names_the_byte(tmp_path):
    data = gzip.decompress((SAMPLES / "go1.27" / "heap.pb.gz").read_bytes())
    path = tmp_path / "cut.pb"
    path.write_bytes(data[:-10])
    with pytest.raises(
        ParseError, match=r"cut\.pb: byte \d+: the field announces \d+ bytes, more than are left"
    ):
        items_of(path)


def test_cut_gzip_is_named(tmp_path):
    path = tmp_path / "cut.pb.gz"
    path.write_bytes((SAMPLES / "go1.27" / "heap.pb.gz").read_bytes()[:-30])
    with pytest.raises(ParseError, match="broken compression"):
        items_of(path)


def test_profile_larger_than_the_cap_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tracemill.parsers.pprof.decode.MAX_MESSAGE_BYTES", 10)
    with pytest.raises(ParseError, match="cap"):
        items_of(write(tmp_path, small()))


def test_stacks_of_more_frames_than_the_cap_are_refused(tmp_path, monkeypatch):
    p = small()
    p.sample[0].location_id.extend([3] * 100)
    path = write(tmp_path, p)
    # Two frames of location 3, one of location 4.
    monkeypatch.setattr("tracemill.parsers.pprof.stacks.MAX_FRAMES", 203)
    assert len(items_of(path)) > 1
    monkeypatch.setattr("tracemill.parsers.pprof.stacks.MAX_FRAMES", 202)
    with pytest.raises(ParseError, match="stacks of 203 frames, more than the cap of 202"):
        items_of(path)


def test_rows_of_long_stacks_come_in_parts_and_whole(monkeypatch):
    whole = read(FILES[-1])["stacks"].to_pylist()
    monkeypatch.setattr("tracemill.parsers.pprof.stacks.FRAMES_PER_BATCH", 5)
    found = with_all_stacks(pprof.parse(Source(FILES[-1]), Options()))
    parts = [item.rows for item in found if isinstance(item, Batch) and item.table == "stacks"]
    assert len(parts) > 1
    assert [row["stack_id"] for part in parts for row in part.to_pylist()] == [r["stack_id"] for r in whole]
    assert read(FILES[-1])["stacks"].to_pylist() == whole


def test_profile_whose_sample_types_come_late_is_claimed():
    kinds = Profile()
    kinds.sample_type.add(type=1, unit=2)
    strings = Profile(string_table=[b"", *[b"main.f"] * 500])
    assert pprof.sniff(strings.SerializeToString() + kinds.SerializeToString())
    assert not pprof.sniff(strings.SerializeToString())


def test_every_cut_and_flip_ends_in_an_error_or_rows(tmp_path):
    data = gzip.decompress((SAMPLES / "go1.27" / "threadcreate.pb.gz").read_bytes())
    path = tmp_path / "x.pb"
    for at in range(0, len(data), 3):
        for spoiled in (data[:at], data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]):
            path.write_bytes(spoiled)
            try:
                read(path)
            except ParseError as error:
                assert "x.pb" in str(error)


def test_read_conforms_to_the_declared_schema():
    tables = read(SAMPLES / "go1.24" / "heap.pb.gz")
    assert set(tables) == {"profile_samples", "profile_mappings", "named_addresses", "stacks"}
    assert tables["profile_samples"].schema.field("value").type == pa.int64()
    assert json.dumps(tables["profile_samples"].to_pylist()[0])
