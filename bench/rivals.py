"""Apache Otava and ruptures over the same series; runs in their own environment, see bench/detection.py.

    python -m bench.rivals SERIES.npy FOUND.json

SERIES.npy: (series, builds), nan for a missing build. FOUND.json: per tool the builds of each series'
change points, and the CPU seconds.
"""

from __future__ import annotations

import json
import sys
import time
from math import log
from pathlib import Path

import numpy as np
import ruptures
from otava.analysis import compute_change_points


def otava(series: np.ndarray) -> list[int]:
    """Otava's own defaults: E-divisive in windows of 50, t-test at 0.001."""
    return [point.index for point in compute_change_points(series.tolist())[0]]


def kernel_cpd(series: np.ndarray) -> list[int]:
    """ruptures' KernelCPD for changes in the mean, with the usual penalty of 3 log(n) variances."""
    noise = 1.4826 * np.median(np.abs(np.diff(series))) / np.sqrt(2)
    scaled = (series / max(noise, 1e-12))[:, None]
    return list(
        ruptures.KernelCPD(kernel="linear", min_size=4).fit(scaled).predict(pen=3 * log(len(series)))
    )[:-1]


def main() -> None:
    """Every tool over every series."""
    table = np.load(sys.argv[1])
    found: dict[str, dict[str, object]] = {}
    for name, tool in (("Otava", otava), ("ruptures", kernel_cpd)):
        began = time.process_time()
        points = []
        for row in table:
            present = np.flatnonzero(np.isfinite(row))
            points.append([int(present[index]) for index in tool(row[present])])
        found[name] = {"points": points, "cpu": time.process_time() - began}
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
