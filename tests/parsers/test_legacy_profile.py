from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.parsers import reading
from tracemill.parsers.api import ParseError
from tracemill.parsers.legacy_profile import scaled

SAMPLES = Path(__file__).parents[1] / "samples"
VERSIONS = sorted(p.name for p in (SAMPLES / "legacy_profile").iterdir())


def read(form: str, path: Path) -> tuple[list[dict], dict[int, dict]]:
    tables = reading.tables(reading.items(form, path))
    stacks = tables["stacks"].to_pylist() if "stacks" in tables else []
    return tables["profile_samples"].to_pylist(), {r["stack_id"]: r for r in stacks}


def both(version: str, name: str) -> tuple[tuple[list[dict], dict], tuple[list[dict], dict]]:
    """The text and the protobuf of one run."""
    return (
        read("legacy_profile", SAMPLES / "legacy_profile" / version / f"{name}.txt"),
        read("pprof", SAMPLES / "pprof" / version / f"{name}.pb.gz"),
    )


def by_leaf(rows: list[dict], stacks: dict[int, dict]) -> Counter:
    """Value by sample type, leaf address and stack; names of generic functions as text has them."""
    found: Counter = Counter()
    for row in rows:
        stack = stacks.get(row["stack_id"])
        functions = tuple(re.sub(r"\[.*\]", "[...]", f) for f in stack["functions"]) if stack else ()
        found[row["sample_type"], row["unit"], row["leaf_pc"], functions] += row["value"]
    return +found


@pytest.mark.parametrize("version", VERSIONS)
def test_heap_text_equals_the_protobuf_of_the_same_moment(version):
    text, protobuf = both(version, "heap")
    assert text[0][0]["sampling_period"] == 4096
    assert by_leaf(*text) == by_leaf(*protobuf)
    assert sum(by_leaf(*text).values()) > 1_000_000


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["block", "mutex"])
def test_text_in_cycles_equals_the_protobuf(version, name):
    # More contention may be recorded between the two writes: what they share is equal.
    text, protobuf = (by_leaf(*part) for part in both(version, name))
    assert text
    same = [key for key in text if key in protobuf]
    assert len(same) > 0.5 * len(text)
    equal = [key for key in same if text[key] == protobuf[key]]
    assert len(equal) >= 0.8 * len(same)


@pytest.mark.parametrize("version", VERSIONS)
def test_counts_equal_the_protobuf(version):
    for name in ("threadcreate", "open_sessions"):
        text, protobuf = both(version, name)
        assert sum(r["value"] for r in text[0]) == sum(r["value"] for r in protobuf[0])
        assert {r["sample_type"] for r in text[0]} == {name}


@pytest.mark.parametrize("version", VERSIONS)
def test_goroutine_text_keeps_labels_and_hides_runtime_frames(version):
    rows, stacks = read("legacy_profile", SAMPLES / "legacy_profile" / version / "goroutine.txt")
    labelled = [r for r in rows if r["labels"]]
    assert [sorted(r["labels"]) for r in labelled] == [[("route", "/items"), ("user", "7")]]
    assert stacks[labelled[0]["stack_id"]]["functions"][0] == "main.park.func3.1"
    assert len(labelled[0]["pcs"]) > len(stacks[labelled[0]["stack_id"]]["functions"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["heap", "block", "mutex", "goroutine", "threadcreate", "open_sessions"])
def test_kind_says_text_and_every_record_is_kept(version, name):
    path = SAMPLES / "legacy_profile" / version / f"{name}.txt"
    found = reading.items("legacy_profile", path)
    assert reading.facts(found).kind == {"open_sessions": "custom_text"}.get(name, f"{name}_text")
    assert reading.issues(found) == []
    rows = reading.tables(found)["profile_samples"].to_pylist()
    records = re.findall(r"^\d.* @(.*)$", path.read_text(), re.MULTILINE)
    listed = {r["sample_index"]: [f"{pc:#x}" for pc in r["pcs"]] for r in rows}
    assert list(listed.values()) == [text.split() for text in records]


def test_figures_of_memstats_become_labels():
    found = reading.items("legacy_profile", SAMPLES / "legacy_profile" / "go1.27" / "heap.txt")
    assert int(reading.facts(found).labels["memstats.HeapInuse"]) > 1_000_000


def test_scaling_is_that_of_runtime_pprof():
    assert scaled(0, 64, 4096) == (0, 0)
    assert scaled(3, 64, 1) == (3, 192)
    assert scaled(1, 524288, 524288) == (1, 829411)


@pytest.mark.parametrize("name", ["heap.txt", "goroutine.txt"])
def test_samples_that_lack_of_the_totals_in_the_first_line_are_told(name, tmp_path):
    whole = (SAMPLES / "legacy_profile" / VERSIONS[-1] / name).read_text()
    path = tmp_path / name
    path.write_text(whole)
    assert not reading.issues(reading.items("legacy_profile", path))
    path.write_text(whole[: len(whole) // 3])
    found = reading.items("legacy_profile", path)
    assert "is the text cut?" in reading.issues(found)[-1].message
    assert reading.facts(found).is_salvaged


@pytest.mark.parametrize(
    ("first", "sample", "is_whole"),
    [
        ("0: 0 [0: 1]", "", True),
        ("1: 16 [1: 17]", "1: 16 [1: 16] @ 0x1", True),
        ("1: 16 [2: 32]", "1: 16 [2: 32] @ 0x1", True),
        ("1: 16 [1: 18]", "1: 16 [1: 16] @ 0x1", False),
        ("1: 16 [2: 33]", "1: 16 [2: 32] @ 0x1", False),
    ],
)
def test_the_byte_that_go_adds_where_nothing_was_freed_is_no_cut(first, sample, is_whole, tmp_path):
    path = tmp_path / "heap.txt"
    path.write_text(f"heap profile: {first} @ heap/1048576\n{sample}\n")
    found = reading.items("legacy_profile", path)
    assert (not reading.issues(found)) == is_whole
    assert reading.facts(found).is_salvaged != is_whole


def test_unreadable_line_is_an_issue_and_a_broken_head_an_error(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("goroutine profile: total 1\n1 @ 0x10\n#\t0xf\tmain.f+0x1\ta.go:3\nwhat is this\n")
    found = reading.items("legacy_profile", path)
    assert [(i.severity, i.position) for i in reading.issues(found)] == [("data_loss", "line 4")]
    path.write_text("--- mutex:\nsampling period=5\n")
    with pytest.raises(ParseError, match=r"x\.txt: line 2: no cycles/second"):
        reading.items("legacy_profile", path)
