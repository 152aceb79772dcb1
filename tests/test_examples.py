"""The notebook and the dashboard in examples/ fit what the demo's warehouse gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from prometheus_client.openmetrics import parser

from tracemill.flows.show.openmetrics import write_openmetrics
from tracemill.warehouse import connect

EXAMPLES = Path(__file__).parent.parent / "examples"
_SELECTOR = re.compile(r"(tracemill_\w+)(?:\{([^}]*)\})?")


def test_the_notebooks_cells_run_and_lead_from_the_verdict_to_the_lock(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEMILL_WAREHOUSE", str(demo))
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text())
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    found = {name: names[name] for name in ("incidents", "series", "locks", "tasks")}
    assert all(isinstance(table, pl.DataFrame) and len(table) for table in found.values())
    assert (names["build"], str(names["function"]).rpartition(".")[2]) == ("b08", "Lookup")
    names["warehouse"].close()  # type: ignore[attr-defined]


def test_every_panel_of_the_dashboard_selects_samples_of_the_openmetrics(demo: Path, tmp_path: Path) -> None:
    with connect(demo) as connection, (tmp_path / "m").open("w") as out:
        write_openmetrics(connection, out)
    text = (tmp_path / "m").read_text()
    samples = [s for f in parser.text_string_to_metric_families(text) for s in f.samples]
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    queries = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    queries += [v["query"]["query"] for v in dashboard["templating"]["list"] if isinstance(v["query"], dict)]
    for query in queries:
        selectors = _SELECTOR.findall(query.replace("$metric", "block_ns"))
        assert selectors, query
        for name, conditions in selectors:
            wanted = dict(re.findall(r'(\w+)="([^"]*)"', conditions))
            assert any(s.name == name and wanted.items() <= s.labels.items() for s in samples), query
    labels = {label for s in samples for label in s.labels}
    legends = [t.get("legendFormat", "") for panel in dashboard["panels"] for t in panel["targets"]]
    assert {name for legend in legends for name in re.findall(r"\{\{(\w+)\}\}", legend)} <= labels
