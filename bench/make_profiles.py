"""Makes the heap profiles that the benchmarks read: .cache/bench/profiles/<build>/<run>/heap.pb.gz, once.

    python -m bench.make_profiles

Four programs of some 1000 functions each are generated, built and run; each walks its own call graph at
random, allocating at every depth, and writes its heap profile whenever that has grown to the next size.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

from examples.toolchain import CACHE, environment, go

BUILDS = 4
PROFILES = 200
SMALLEST_KB, LARGEST_KB = 25, 800
PACKAGES, METHODS = 40, 25
CALLS = 4
DRIVER = Path(__file__).parent / "programs" / "heaps" / "main.go"
WORDS = ("order", "price", "session", "cart", "stock", "user", "index", "queue", "token", "route", "ledger")
VERBS = ("Load", "Store", "Merge", "Lookup", "Encode", "Decode", "Append", "Refresh", "Collect", "Expand")
ALLOCATIONS = (
    "w.Keep(make([]byte, w.Size()))",
    "w.Keep([]byte(w.Text()))",
    "w.Index[w.Text()] = w.Size()",
    "w.Rows = append(w.Rows[:0:0], make([]int64, w.Size()/8)...)",
)


def make_profiles() -> Path:
    """The folder of profiles, sizes spread geometrically, recorded on first use."""
    folder = CACHE / "bench" / "profiles"
    if not folder.exists():
        part = folder.with_name(".profiles.part")
        shutil.rmtree(part, ignore_errors=True)
        for build in range(BUILDS):
            program = _program(build)
            sizes = [_size(i) for i in range(build, PROFILES, BUILDS)]
            out = part / f"b{build}"
            out.mkdir(parents=True)
            subprocess.run([program, out, *map(str, sizes)], env=environment(), check=True)
        part.rename(folder)
    return folder


def _size(i: int) -> int:
    """What the i-th profile is to have, in bytes."""
    return round(1000 * SMALLEST_KB * (LARGEST_KB / SMALLEST_KB) ** (i / (PROFILES - 1)))


def _program(build: int) -> Path:
    """One build's executable."""
    folder = CACHE / "bench" / f"heaps-{build}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "walk").mkdir(parents=True)
    (folder / "go.mod").write_text("module example.com/shop\n\ngo 1.27\n")
    shutil.copy(DRIVER.parent / "walk" / "walk.go", folder / "walk")
    r = random.Random(build)
    names = [f"{r.choice(WORDS)}{i:02}" for i in range(PACKAGES)]
    for name in names:
        (folder / "internal" / name).mkdir(parents=True)
        (folder / "internal" / name / f"{name[:-2]}.go").write_text(_package(name, r))
    imports = "".join(f'\t_ "example.com/shop/internal/{name}"\n' for name in names)
    (folder / "packages.go").write_text(f"package main\n\nimport (\n{imports})\n")
    shutil.copy(DRIVER, folder)
    subprocess.run([go("1.27"), "build", "-o", "heaps", "."], cwd=folder, env=environment(), check=True)
    return folder / "heaps"


def _package(name: str, r: random.Random) -> str:
    """A package whose methods allocate and call any other, on lines of their own."""
    kind = name[:-2].capitalize()
    lines = [f"package {name}", "", 'import "example.com/shop/walk"', "", f"type {kind} struct{{}}", ""]
    methods = [f"{r.choice(VERBS)}{r.choice(WORDS).capitalize()}{i}" for i in range(METHODS)]
    for method in methods:
        lines += [f"func (x *{kind}) {method}(w *walk.Walk) {{", "\tif w.Done() {"]
        lines += [f"\t\t{r.choice(ALLOCATIONS)}"]
        lines += ["\t\treturn", "\t}", f"\tswitch w.Next({CALLS}) {{"]
        for i in range(CALLS):
            lines += [f"\tcase {i}:", *["\t\t_ = w"] * r.randrange(3), "\t\tw.Call()(w)"]
        lines += ["\t}", "}", ""]
    lines += ["func init() {", f"\tx := &{kind}{{}}", "\twalk.Register("]
    return "\n".join([*lines, *[f"\t\tx.{method}," for method in methods], "\t)", "}", ""])


if __name__ == "__main__":
    print(make_profiles())
