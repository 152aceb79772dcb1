"""Block, mutex and goroutine profiles as text (debug=1) enter the models of their protobuf, once a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tracemill.flows.build import build
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.show.doctor import examine
from tracemill.warehouse import connect

SAMPLES = Path(__file__).parents[1] / "samples"
NAMES = ("block", "mutex", "goroutine")


@pytest.fixture(scope="module", params=["go1.21", "go1.27"])
def warehouse(request, tmp_path_factory):
    """One process's profiles: in build text as text, in build protobuf as that, in build both as both."""
    top = tmp_path_factory.mktemp(request.param)
    for name in NAMES:
        text = SAMPLES / "legacy_profile" / request.param / f"{name}.txt"
        protobuf = SAMPLES / "pprof" / request.param / f"{name}.pb.gz"
        for form, files in {"text": [text], "protobuf": [protobuf], "both": [protobuf, text]}.items():
            run = top / "artifacts" / form / "1"
            run.mkdir(parents=True, exist_ok=True)
            for file in files:
                shutil.copy(file, run)
    ingest([top / "artifacts"], top / "warehouse", processes=1)
    build(top / "warehouse")
    with connect(top / "warehouse") as connection:
        yield connection


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("query", "fewest"),
    [
        ("select kind, function, is_contention, contention_count, delay_ns from contention", 4),
        (
            "select metric, subject, value, unit, polarity from observations where metric similar to"
            " '(mutex|block)_(delay_ns|contentions)'",
            8,
        ),
        ("select metric, path_id, value, event_count from int_stack_costs where metric like '%_delay_ns'", 4),
        ("select measure, divisor, is_exhaustive from int_run_measures", 3),
    ],
)
def test_text_has_the_figures_of_the_protobuf_and_counts_once_beside_it(warehouse, query, fewest):
    joint = " and " if " where " in query else " where "
    found = {
        form: sorted(warehouse.execute(f"{query}{joint}build_id = '{form}'").fetchall())
        for form in ("text", "protobuf", "both")
    }
    assert len(found["protobuf"]) >= fewest
    assert found["text"] == found["protobuf"]
    assert found["both"] == found["protobuf"]


def test_goroutines_of_the_text_are_counted_by_their_entry_functions(warehouse):
    def counted(form):
        return dict(
            warehouse.execute(
                "select function, goroutine_count from int_goroutine_counts"
                f" where metric = 'goroutine_profile_count' and build_id = '{form}'"
            ).fetchall()
        )

    assert counted("both") == counted("protobuf")
    assert sum(counted("text").values()) == sum(counted("protobuf").values())
    assert counted("text") == counted("protobuf")


@pytest.mark.parametrize("time", ["", " 17000000{second}0000"])
def test_doctor_says_where_snapshots_have_no_times(tmp_path, time):
    """Two scrapes of /metrics a run, as curl keeps them: what they count up was dropped without a word."""
    run = tmp_path / "artifacts/b1/1"
    run.mkdir(parents=True)
    for second in (1, 2):
        at = time.format(second=second)
        lines = (f"go_goroutines 9{at}", f"go_memstats_alloc_bytes_total {second}e9{at}")
        (run / f"{second}.prom").write_text("".join(f"{line}\n" for line in lines))
    ingest([tmp_path / "artifacts"], tmp_path / "warehouse", processes=1)
    build(tmp_path / "warehouse")
    said = [found.what for found in examine(tmp_path / "warehouse")]
    assert any(what.startswith("snapshots of the runtime of b1 do not say when") for what in said) == (
        not time
    )


@pytest.mark.parametrize("with_waits", [False, True])
def test_doctor_says_of_which_kind_no_build_has_a_wait(tmp_path, with_waits):
    """A program that never calls SetMutexProfileFraction serves empty profiles."""
    run = tmp_path / "artifacts/b1/1"
    run.mkdir(parents=True)
    (run / "block.txt").write_text("--- contention:\ncycles/second=2596119692\n")
    (run / "mutex.txt").write_text("--- mutex:\ncycles/second=2596119692\nsampling period=0\n")
    if with_waits:
        other = tmp_path / "artifacts/b2/1"
        other.mkdir(parents=True)
        for name in ("block", "mutex"):
            shutil.copy(SAMPLES / "legacy_profile/go1.27" / f"{name}.txt", other)
    ingest([tmp_path / "artifacts"], tmp_path / "warehouse", processes=1)
    build(tmp_path / "warehouse")
    said = [found.what for found in examine(tmp_path / "warehouse") if "tell of no wait" in found.what]
    assert [what.split(" tell")[0] for what in said] == (
        [] if with_waits else ["block profiles of b1", "mutex profiles of b1"]
    )
