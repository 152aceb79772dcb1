"""Claims about maps: a verdict is what the parts that were measured make of it, and no more."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from .given import Given, rows

TABLE_BYTES = 3_500_000
DECODE = "claimslab/leak.Decode"
REMEMBER = "claimslab/leak.(*Cache).Remember"


class Lab(Given):
    """Builds of the claims lab."""

    def build(self, version: str = "1.27", *, is_lab: bool = True) -> str:
        """Add a build of a Go version; its id."""
        build_id = f"claims-go{version}"
        self.tables["build_manifests"].append(
            {
                "build_id": build_id,
                "go_version": f"go{version}.1",
                "labels": [("lab", "claims")] if is_lab else [],
            }
        )
        return build_id

    def bench(self, build: str, run: str = "r1", **values: list[tuple[str, str, float]]) -> None:
        """Add results: benchmark → (variant, unit, value)s."""
        capture_id = self.capture(build, run, "benchmarks", format="benchmarks")
        line = itertools.count(1)
        for name, results in values.items():
            for variant, unit, value in results:
                self.tables["benchmarks"].append(
                    {
                        "capture_id": capture_id,
                        "line": next(line),
                        "metric": unit,
                        "name": f"{name}/{variant}",
                        "procs": 2,
                        "unit": unit,
                        "value": value,
                    }
                )

    def deep_copy(self, build: str, passed: float | None, kept: float | None) -> None:
        """Add the figures that iface-deep-copy is judged by; none for None."""
        figures = {"interface": passed, "escaping": kept}
        self.bench(
            build, IfaceDeepCopy=[(v, "B/op", size) for v, size in figures.items() if size is not None]
        )

    def lab_trace(self, build: str, claim: str, seconds: float = 1.0) -> str:
        """Add a trace for a claim; its id."""
        trace = self.capture(build, claim, "trace", format="exectrace", duration_ns=int(seconds * 1e9))
        self.log(trace, 0, "claim", claim)
        return trace

    def log(self, capture_id: str, ts_ns: int, category: str, message: str) -> None:
        """Add a log message to a trace."""
        row = {"capture_id": capture_id, "ts_ns": ts_ns, "goroutine_id": 1}
        self.tables["trace_logs"].append(row | {"category": category, "message": message})

    def stay(self, capture_id: str, state: str, reason: str | None, duration_ns: int, *stack: str) -> None:
        """Add a stay of a goroutine in a state."""
        row: dict[str, Any] = {"capture_id": capture_id, "goroutine_id": 1, "state": state, "reason": reason}
        row |= {"start_ns": len(self.tables["goroutine_intervals"]), "duration_ns": duration_ns}
        self.tables["goroutine_intervals"].append(row | {"stack_id": self.stack(*stack)})


def verdicts(given: Given, claim: str) -> dict[str, str | None]:
    """Verdict of the claim by Go version."""
    with given.models() as connection:
        query = f"select go_version, verdict from claim_measurements where claim_id = '{claim}'"
        return {version.removesuffix(".1"): verdict for version, verdict in rows(connection, query)}


def parts(given: Given, claim: str) -> dict[str, bool | None]:
    """Which parts of the claim hold, in the one build given."""
    with given.models() as connection:
        [(found,)] = rows(connection, f"select parts from claim_measurements where claim_id = '{claim}'")
    return dict(found)


def figures(given: Given, claim: str) -> dict[str, float]:
    """The claim's figures, in the one build given."""
    with given.models() as connection:
        [(found,)] = rows(connection, f"select figures from claim_measurements where claim_id = '{claim}'")
    return dict(found)


def test_without_evidence_every_claim_stands_there_without_verdict():
    with Given().models() as connection:
        found = rows(connection, "select count(*), count(verdict), count(text), count(measured) from claims")
        assert found == [(20, 0, 20, 20)]
        assert rows(connection, "select count(*) from claim_measurements") == [(0,)]


@pytest.mark.parametrize(
    ("passed", "kept", "verdict"),
    [
        (0, 0, "refuted"),
        (TABLE_BYTES, TABLE_BYTES, "holds"),
        (0, TABLE_BYTES, "partly"),
        (TABLE_BYTES, 0, "partly"),
        (TABLE_BYTES, None, None),
        (None, 0, None),
    ],
)
def test_a_verdict_is_made_of_all_parts_or_none(passed, kept, verdict):
    lab = Lab()
    lab.deep_copy(lab.build(), passed, kept)
    assert verdicts(lab, "iface-deep-copy") == {"go1.27": verdict}


def test_builds_without_the_label_are_no_evidence():
    lab = Lab()
    lab.deep_copy(lab.build(is_lab=False), 0, 0)
    assert verdicts(lab, "iface-deep-copy") == {}


def newest(lab: Lab) -> tuple[Any, ...]:
    """Verdict on iface-deep-copy, its version, since when, and by version."""
    query = """
        select verdict, go_version, since_go_version, verdicts from claims where claim_id = 'iface-deep-copy'
    """
    with lab.models() as connection:
        [(verdict, version, since, found)] = rows(connection, query)
    return verdict, version, since, dict(found)


def test_a_new_go_version_overturns_a_verdict():
    lab = Lab()
    for version, size in (("1.27", 0), ("1.9", TABLE_BYTES), ("1.22", TABLE_BYTES), ("1.25", 0)):
        lab.deep_copy(lab.build(version), size, size)
    by_version = {"go1.9.1": "holds", "go1.22.1": "holds", "go1.25.1": "refuted", "go1.27.1": "refuted"}
    assert newest(lab) == ("refuted", "go1.27.1", "go1.25.1", by_version)


def test_a_version_that_did_not_measure_leaves_the_verdict_of_the_one_before():
    lab = Lab()
    lab.deep_copy(lab.build("1.25"), 0, 0)
    lab.deep_copy(lab.build("1.27"), 0, None)
    assert newest(lab) == ("refuted", "go1.25.1", "go1.25.1", {"go1.25.1": "refuted"})


def test_bounds_belong_to_what_is_claimed():
    lab = Lab()
    lab.bench(
        lab.build(),
        Bench2Allocs=[("interface", "allocs/op", 2), ("interface", "heap-inuse-delta-B", 16384 / 1.5)],
    )
    assert verdicts(lab, "bench-2-allocs") == {"go1.27": "holds"}
    lab.tables["benchmarks"][1]["value"] -= 1
    assert parts(lab, "bench-2-allocs") == {"2 allocations": True, "16 KB more in use": False}


def test_figures_are_combined_and_nothing_is_divided_by_zero():
    lab = Lab()
    build = lab.build()
    lab.bench(build, FmtCopies=[("clone", "B/op", 0), ("sprintf", "B/op", 10), ("marshal", "B/op", 9.1e6)])
    lab.bench(build, "r2", PassPointer=[("empty-interface", "B/op", 0), ("pointer", "B/op", 8)])
    assert verdicts(lab, "fmt-copies") == {"go1.27": None}
    assert figures(lab, "pass-pointer")["empty-interface B/op - pointer B/op"] == -8


def test_time_is_the_fastest_repeat_and_the_rest_the_median():
    lab = Lab()
    build = lab.build()
    for run, seconds, size in (("r1", 9e-8, 0), ("r2", 3e-8, 0), ("r3", 5e-8, 600)):
        lab.bench(build, run, Mapref=[("rwmutex/reads", "sec/op", seconds), ("rwmutex/reads", "B/op", size)])
    assert figures(lab, "mapref") == {"rwmutex/reads sec/op": 3e-8, "rwmutex/reads B/op": 0}


def spinning(*stays: tuple[str, str | None, int, str], crash: str | None) -> Lab:
    """A build with a trace of these stays, and with what became of writers without a lock."""
    lab = Lab()
    build = lab.build()
    trace = lab.lab_trace(build, "trace-spin")
    for state, reason, duration_ns, function in stays:
        lab.stay(trace, state, reason, duration_ns, function, "main.contend")
    labels = [("crash", crash)] if crash else []
    dump = lab.capture(build, "r1", "goroutine_dump", format="goroutine_dump", labels=labels)
    stack_id = lab.stack("main.unlocked.func1", "main.unlocked")
    lab.tables["goroutine_dump"].append({"capture_id": dump, "goroutine_id": 1, "stack_id": stack_id})
    return lab


CRASH = "fatal error: concurrent map writes"


def test_locks_and_collections_are_no_waits_inside_of_a_map():
    lab = spinning(
        ("waiting", "sync", 10**9, "sync.(*RWMutex).Lock"),
        ("waiting", "GC mark assist wait for work", 10**9, "runtime.mapaccess1_fast64"),
        ("runnable", None, 10**9, "sync.(*RWMutex).Lock"),
        crash=CRASH,
    )
    assert verdicts(lab, "trace-spin") == {"go1.27": "refuted"}
    assert figures(lab, "trace-spin")["waits for the lock"] == 1


def test_spinning_in_a_map_would_be_seen():
    lab = spinning(
        ("waiting", "sync", 100_001, "runtime.mapaccess1_fast64"),
        *[("runnable", None, 5, "runtime.mapassign_fast64")] * 1000,
        crash=None,
    )
    assert verdicts(lab, "trace-spin") == {"go1.27": "holds"}


def test_a_trace_without_a_dump_says_nothing_of_unlocked_writers():
    lab = spinning(("waiting", "sync", 5, "sync.(*RWMutex).Lock"), crash=CRASH)
    lab.tables["goroutine_dump"].clear()
    assert verdicts(lab, "trace-spin") == {"go1.27": None}


@pytest.mark.parametrize(("busy", "verdict"), [(1, "refuted"), (100, "holds")])
def test_bursts_are_told_from_even_growth(busy, verdict):
    lab = Lab()
    trace = lab.lab_trace(lab.build(), "trace-mallocgc")
    size = 0.0
    for step in range(20):
        lab.log(trace, 1000 * step, "map", str(step))
        size += 4096 * (busy if step in (4, 13) else 1)
        row = {"capture_id": trace, "ts_ns": 1000 * step + 500, "name": "/memory/classes/heap/objects:bytes"}
        lab.tables["trace_metrics"].append(row | {"value": size})
    lab.log(trace, 20_000, "map", "end")
    assert verdicts(lab, "trace-mallocgc") == {"go1.27": verdict}


def test_growth_is_proved_by_a_stack_with_the_whole_chain():
    lab = Lab()
    trace = lab.lab_trace(lab.build(), "grow-allocates")
    chains = (
        ["runtime.mallocgc", "runtime.newarray", "runtime.makeBucketArray", "runtime.hashGrow"],
        ["runtime.mallocgc", "runtime.newobject", "runtime.(*hmap).newoverflow"],
        ["runtime.mallocgc", "runtime.newarray", "internal/runtime/maps.(*table).grow"],
    )
    for start, chain in enumerate(chains):
        row = {"capture_id": trace, "start_ns": start, "name": "GC mark assist", "scope": "goroutine"}
        lab.tables["trace_ranges"].append(
            row | {"duration_ns": 5, "stack_id": lab.stack(*chain, "main.grow")}
        )
    found = figures(lab, "grow-allocates")
    assert found == {"assists in growth": 2, "assists in hashGrow, newarray, mallocgc": 1}
    assert verdicts(lab, "grow-allocates") == {"go1.27": None}


def test_pauses_are_those_of_the_collector():
    lab = Lab()
    trace = lab.lab_trace(lab.build(), "ctx-map-cost")
    for start, (name, duration_ns) in enumerate(
        [("stop-the-world (GC mark termination)", 6_000_000), ("stop-the-world (start trace)", 1)]
    ):
        row = {"capture_id": trace, "start_ns": start, "name": name, "scope": "global"}
        lab.tables["trace_ranges"].append(row | {"duration_ns": duration_ns})
    assert parts(lab, "ctx-map-cost")["pauses over 5 ms"] is True


def test_moved_to_heap_is_not_what_the_compiler_says_of_most_maps():
    lab = Lab()
    capture_id = lab.capture(lab.build(), None, "escapes", format="escapes")
    for file, line, column, message, kind in (
        ("escaping", 8, 50, "make(map[string]int, n) escapes to heap", "escapes_to_heap"),
        ("escaping", 18, 2, "moved to heap: m", "moved_to_heap"),
        ("escaping", 18, 11, "make(map[string]int, n) escapes to heap", "escapes_to_heap"),
        ("staying", 5, 11, "make(map[string]int, n) does not escape", "does_not_escape"),
    ):
        place = {
            "capture_id": capture_id,
            "file": f"claimslab/static/{file}.go",
            "line": line,
            "column": column,
        }
        lab.tables["escapes"].append(place | {"message": message, "kind": kind})
    assert parts(lab, "escape-hint") == {
        "every escaping map is named": True,
        "as moved to heap": False,
        "no other map is": True,
    }


def test_makemap_counts_only_where_the_interface_causes_it():
    lab = Lab()
    capture_id = lab.capture(lab.build(), None, "listing", format="listing")
    for line, function in enumerate(("ConvertMade", "DirectMade"), 1):
        row = {"capture_id": capture_id, "input_line": line, "function": f"claimslab/static.{function}"}
        lab.tables["listing_calls"].append(row | {"callee": "runtime.makemap"})
    assert verdicts(lab, "asm-makemap") == {"go1.27": "partly"}
    lab.tables["listing_calls"].pop()
    assert verdicts(lab, "asm-makemap") == {"go1.27": "holds"}


def test_an_analyzer_that_found_nothing_has_still_looked():
    lab = Lab()
    capture_id = lab.capture(lab.build(), None, "sarif", format="findings")
    assert parts(lab, "ssa-rule")["the rule finds the risk"] is False
    row = {"capture_id": capture_id, "finding_index": 0, "tool": "mapassert"}
    row |= {"rule": "mapassert", "message": "Concrete asserts an element of map[string]interface{} to int"}
    lab.tables["static_findings"].append(row)
    assert parts(lab, "ssa-rule")["the rule finds the risk"] is True


def leaking(*, waits_in: str = REMEMBER, garbage: int = 9000) -> Lab:
    """A leak of decoded maps, beside garbage, and a dump of a goroutine."""
    lab = Lab()
    build = lab.build()
    decoded = ("encoding/json.(*decodeState).object", DECODE, REMEMBER)
    kept = lab.stack("reflect.mapassign_faststr0", *decoded)
    text = lab.stack("encoding/json.unquote", *decoded)
    churn = lab.stack("claimslab/leak.Churn", "main.leaks")
    heap = lab.capture(build, "r1", "heap")
    for index, (stack_id, allocated, used) in enumerate(
        [(kept, 6000, 6000), (text, 2000, 1000), (churn, garbage, 500)]
    ):
        for sample_type, value in (("alloc_space", allocated), ("inuse_space", used)):
            row = {"capture_id": heap, "sample_index": index, "sample_type": sample_type, "unit": "bytes"}
            lab.tables["profile_samples"].append(row | {"value": value, "stack_id": stack_id})
    dump = lab.capture(build, "r1", "goroutine_dump", format="goroutine_dump", labels=[])
    row = {"capture_id": dump, "goroutine_id": 7, "state": "chan send"}
    lab.tables["goroutine_dump"].append(row | {"stack_id": lab.stack(waits_in)})
    return lab


def test_the_four_steps_lead_to_the_leak():
    lab = leaking()
    assert verdicts(lab, "four-steps") == {"go1.27": "holds"}
    assert figures(lab, "four-steps") == {
        "alloc_space place": 2,
        "inuse_space place": 1,
        "goroutines in the leak": 1,
        "share of assigned bytes that lives": 1,
    }


def test_a_step_that_leads_elsewhere_is_said():
    assert verdicts(leaking(waits_in="main.idle"), "four-steps") == {"go1.27": "partly"}


def test_the_share_of_mapassign_is_not_that_of_convert():
    lab = leaking()
    found = figures(lab, "reflect-mapassign-share")
    assert found == {"share under Convert and mapassign": 0, "share under mapassign": 0.8}
    assert verdicts(lab, "reflect-mapassign-share") == {"go1.27": "partly"}
