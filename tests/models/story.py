"""A service's twelve builds: a leak and its fix, a contended lock that moves, and its fix."""

from __future__ import annotations

import numpy as np

from .given import USER_PATH, Given

GET, LOOKUP = "app/cache.(*Prices).Get", "app/prices.(*Store).Lookup"
PUT = "app/session.(*Table).Put"
CALLS = {
    0x1001: "runtime.mapassign_faststr",
    0x2001: "runtime.mapassign_faststr",
    0x3001: "runtime.growslice",
    0x4001: "runtime.mapassign",
}


def story(seed: int = 0, *, leak: float = 4, contention: float = 10) -> Given:
    """Builds b1 to b12 of three runs: the leak in b4 and b5, contention in b8 to b10, renamed in b10.

    leak, contention: factors; 1 tells of no change. All figures vary by 15 % between runs.
    """
    given, random = Given(), np.random.default_rng(seed)

    def about(value: float, spread: float = 0.15) -> int:
        return int(value * np.exp(spread * random.standard_normal()))

    touch = given.stack("sync.(*Mutex).Lock", "app/session.(*Table).Touch", *USER_PATH)
    receive = given.stack("runtime.chanrecv1", "app/workers.(*Pool).run")
    put, parse = given.stack(PUT, *USER_PATH), given.stack("app/catalog.Parse", *USER_PATH)
    items = given.stack("app/catalog.List", *USER_PATH)
    for build in range(1, 13):
        name = f"b{build}"
        prices = GET if build < 10 else LOOKUP
        lock, fill = given.stack("sync.(*Mutex).Lock", prices, *USER_PATH), given.stack(prices, *USER_PATH)
        given.binary(name, CALLS)
        for run in "123":
            work = about(1000, 0.03) / 1000
            given.tables["run_work"].append(
                {"build_id": name, "run_id": run, "work_unit": "requests", "work_count": 1000 * work}
            )
            slow = contention if build in (8, 9, 10) else 1
            waits = [(lock, "sync", about(4e5 * slow * work)) for _ in range(5)]
            waits += [(touch, "sync", about(1e6)) for _ in range(8)]
            waits += [(receive, "chan receive", about(3e8, 0.5)) for _ in range(4)]
            given.trace(name, run, waits)
            size = 20e6 * work * (leak if build in (4, 5) else 1)
            given.heap(
                name,
                run,
                [
                    (put, 0x1000, about(size)),
                    (parse, 0x2000, about(60e6 * work)),
                    (fill, 0x4000, about(8e6 * work)),
                    (items, 0x3000, about(60e6)),
                ],
            )
    return given
