from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.parsers import reading

SAMPLES = Path(__file__).parents[1] / "samples" / "escapes"
VERSIONS = sorted(p.name for p in SAMPLES.iterdir())


def rows_of(path: Path) -> list[dict]:
    return reading.tables(reading.items("escapes", path))["escapes"].to_pylist()


def key(row: dict) -> tuple[str, int, int, str]:
    return row["file"], row["line"], row["column"], row["message"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_distinct_line_is_a_row(version):
    lines = (SAMPLES / version / "m.txt").read_text().splitlines()
    expected = dict.fromkeys(line for line in lines if not line.startswith("#"))
    assert ["{}:{}:{}: {}".format(*key(r)) for r in rows_of(SAMPLES / version / "m.txt")] == list(expected)


@pytest.mark.parametrize("version", VERSIONS)
def test_m2_says_what_m_says_and_why(version):
    kinds = ("escapes_to_heap", "moved_to_heap", "does_not_escape", "leaking_param")
    plain, verbose = (
        [r for r in rows_of(SAMPLES / version / name) if r["kind"] in kinds] for name in ("m.txt", "m2.txt")
    )
    assert Counter(map(key, plain)) == Counter(map(key, verbose))
    because = {r["message"]: r["explanation"] for r in verbose if r["explanation"]}
    assert because["&session{...} escapes to heap"].startswith("flow: s ")
    assert all(r["explanation"] for r in verbose if r["kind"] == "escapes_to_heap")
    assert not any(r["explanation"] for r in plain)


@pytest.mark.parametrize("version", VERSIONS)
def test_kinds_tell_the_decisions(version):
    kinds = {r["message"]: r["kind"] for r in rows_of(SAMPLES / version / "m.txt")}
    assert kinds["&session{...} escapes to heap"] == "escapes_to_heap"
    assert kinds["moved to heap: wg"] == "moved_to_heap"
    assert kinds["leaking param: folder"] == "leaking_param"
    assert kinds["... argument does not escape"] == "does_not_escape"
    assert kinds["can inline put"] == "can_inline"
    assert kinds["inlining call to put"] == "inlined"
    assert rows_of(SAMPLES / version / "m2.txt")[0]["kind"] == "cannot_inline"
    assert "other" not in kinds.values()


def test_package_is_that_of_the_line_above(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text("# a/b\nb.go:1:2: can inline f\n# c\nc.go:3:4: devirtualizing x.y to *z\nnoise\n")
    assert [(r["package"], r["line"], r["column"], r["kind"]) for r in rows_of(path)] == [
        ("a/b", 1, 2, "can_inline"),
        ("c", 3, 4, "devirtualized"),
    ]


def test_a_place_of_several_packages_is_a_row_of_each(tmp_path):
    # What Go 1.26 says of ./... with -m=2, where each package was built before from its own folder.
    path = tmp_path / "m.txt"
    path.write_text(
        "".join(
            f"# example.com/shop/{package}\n./new.go:9:9: &T{{...}} escapes to heap in New:\n"
            f"./new.go:9:9:   flow: ~r0 ← &{{storage for &T{{...}}}} of {package}:\n"
            "./new.go:9:9: &T{...} escapes to heap\n"
            for package in "ab"
        )
    )
    assert [(r["package"], r["explanation"]) for r in rows_of(path)] == [
        ("example.com/shop/a", "flow: ~r0 ← &{storage for &T{...}} of a:"),
        ("example.com/shop/b", "flow: ~r0 ← &{storage for &T{...}} of b:"),
    ]


def test_paths_of_windows_are_read(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text(
        "# example.com/shop\r\n.\\main.go:31:6: can inline SumOf\r\n"
        "C:\\go\\pkg\\mod\\z.go:10:6: moved to heap: buf\r\n"
    )
    rows = reading.tables(reading.items("escapes", path))["escapes"].to_pylist()
    assert [(r["file"], r["line"], r["kind"]) for r in rows] == [
        (".\\main.go", 31, "can_inline"),
        ("C:\\go\\pkg\\mod\\z.go", 10, "moved_to_heap"),
    ]
