"""How well a sampled figure is known: as far as figures scatter whose samples are drawn anew."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from tracemill.warehouse.models import read_models

from .given import Given

PERIOD = 10_000_000
RATE = 524_288
SQL = {model.name: model.sql for model in read_models()}


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """One run of one build, and three functions that call nobody."""
    connection = duckdb.connect()
    connection.execute("""
        create table int_counted_captures as
        select 'b' as build_id, 'r' as run_id, 'c' as capture_id, 'cpu' as kind;
        create table int_stack_sites as
        select 'b' as build_id, stack_id, 'f' || stack_id as function, ['f' || stack_id] as user_functions,
            true as is_user_code, null::varchar as calling_function,
        from range(3) as a (stack_id);
        create table int_summed_profiles as
        select 'b' as build_id, 'r' as run_id, 'c' as capture_id, 'heap' as kind, sample_type,
            524288 as sampling_period, 'c' as summed_id, 1 as sign,
        from (
            values ('alloc_space'), ('alloc_objects'), ('inuse_space'), ('inuse_objects')
        ) as kinds (sample_type);
        create table int_heap_sites as
        select 'b' as build_id, 'r' as run_id, 'f1' as function, 3000000 as inuse_bytes,
            2000000 as run_growth_bytes;
        create table stg_profile_samples (
            capture_id varchar, sample_index bigint, sample_type varchar, value bigint, stack_id bigint,
            sampling_period bigint
        );
    """)
    return connection


def errors(connection: duckdb.DuckDBPyConnection, model: str, metric: str) -> dict[str, float]:
    """By subject."""
    connection.execute(f"create or replace table int_heap_samples as {SQL['int_heap_samples']}")
    rows = connection.execute(
        f"select subject, standard_error from ({SQL[model]}) where metric = ?", [metric]
    ).fetchall()
    return dict(rows)


def test_the_share_of_a_function_is_chance_and_the_programs_time_is_none(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    samples = [90, 9, 1]
    for stack_id, count in enumerate(samples):
        connection.execute(
            "insert into stg_profile_samples values ('c', ?, 'cpu', ?, ?, ?)",
            [stack_id, count * PERIOD, stack_id, PERIOD],
        )
    drawn = np.random.default_rng(1).multinomial(100, np.array(samples) / 100, 20_000) * PERIOD
    found = errors(connection, "figures_cpu", "cpu_ns")
    for stack_id in range(3):
        assert found[f"f{stack_id}"] == pytest.approx(drawn[:, stack_id].std(), rel=0.03)
    assert errors(connection, "figures_cpu", "cpu_under_ns") == found
    assert errors(connection, "figures_cpu", "process_cpu_ns") == {"program": PERIOD}


def test_large_objects_are_nearly_all_in_a_heap_profile(connection: duckdb.DuckDBPyConnection) -> None:
    sizes, counts = [64, RATE, 16 * RATE], [1_000_000, 40, 5]
    for stack_id, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        for kind in ("alloc", "inuse"):
            connection.execute(
                "insert into stg_profile_samples values ('c', ?, ?, ?, ?, null), ('c', ?, ?, ?, ?, null)",
                [
                    *(stack_id, f"{kind}_space", size * count, stack_id),
                    *(stack_id, f"{kind}_objects", count, stack_id),
                ],
            )
    random = np.random.default_rng(2)
    found = errors(connection, "figures_heap", "alloc_bytes")
    of_objects = errors(connection, "figures_heap", "alloc_objects")
    for stack_id, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        chance = 1 - np.exp(-size / RATE)
        drawn = random.binomial(count, chance, 20_000) * size / chance
        assert found[f"f{stack_id}"] == pytest.approx(drawn.std(), rel=0.05, abs=size / 100)
        assert of_objects[f"f{stack_id}"] == pytest.approx(found[f"f{stack_id}"] / size)
    assert errors(connection, "figures_heap", "inuse_bytes") == found
    # Of 1 MB at first and 3 MB at last, as of 40 objects of RATE each.
    growth = errors(connection, "figures_heap", "growth_inuse_bytes")
    assert growth["f1"] == pytest.approx(found["f1"] * np.sqrt(4e6 / (40 * RATE)))


def test_one_sample_of_tiny_objects_is_a_chance_of_thousands(connection: duckdb.DuckDBPyConnection) -> None:
    """A key of 7 KB with a string of 16 B: 12 samples of the bytes, of which one has nearly all objects."""
    sizes, counts = [16, 7168], [30_000, 1_000]
    for index, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        for kind, value in (("space", size * count), ("objects", count)):
            connection.execute(
                "insert into stg_profile_samples values ('c', ?, ?, ?, 1, null)",
                [index, f"alloc_{kind}", value],
            )
    random = np.random.default_rng(3)
    objects, in_bytes = np.zeros(20_000), np.zeros(20_000)
    for size, count in zip(sizes, counts, strict=True):
        chance = 1 - np.exp(-size / RATE)
        drawn = random.binomial(count, chance, 20_000) / chance
        objects, in_bytes = objects + drawn, in_bytes + drawn * size
    assert errors(connection, "figures_heap", "alloc_objects")["f1"] == pytest.approx(objects.std(), rel=0.05)
    assert errors(connection, "figures_heap", "alloc_bytes")["f1"] == pytest.approx(in_bytes.std(), rel=0.05)
    # In terms of the figures: nearly all of the one, less than a third of the other.
    assert objects.std() / objects.mean() > 0.9 > 3 * in_bytes.std() / in_bytes.mean()


def test_objects_of_maps_are_as_uncertain_as_their_own_sizes_make_them() -> None:
    """A bucket of 7 KB for a key of 16 B: as above, of what assigning to maps allocates."""
    given, put = Given(), "app/cache.(*Cache).Put"
    sizes, counts = [16, 7168], [30_000, 1_000]
    given.binary("b1", {0x1001: "runtime.mapassign_faststr", 0x2001: "runtime.mapassign_faststr"})
    stacks = [given.stack(put, "main.fill"), given.stack(put, "main.refill")]
    places = zip(stacks, (0x1000, 0x2000), sizes, counts, strict=True)
    given.heap("b1", "1", [(stack, pc, size * count) for stack, pc, size, count in places])
    for sample in given.tables["profile_samples"]:
        if sample["sample_type"] == "alloc_objects":
            sample["value"] = counts[sample["sample_index"]]
    with given.models() as models:
        found = dict(
            models.execute(
                "select metric, standard_error / value from figures_maps where contains(metric, '_alloc_')"
            ).fetchall()
        )
    variances = [n / (np.exp(size / RATE) - 1) for size, n in zip(sizes, counts, strict=True)]
    in_bytes = [size**2 * variance for size, variance in zip(sizes, variances, strict=True)]
    total = sum(size * n for size, n in zip(sizes, counts, strict=True))
    assert found == pytest.approx(
        {
            "mapassign_alloc_objects": np.sqrt(sum(variances)) / sum(counts),
            "mapassign_alloc_bytes": np.sqrt(sum(in_bytes)) / total,
        }
    )
    assert found["mapassign_alloc_objects"] > 0.9 > 3 * found["mapassign_alloc_bytes"]
