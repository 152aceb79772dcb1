"""What a full or broken disk does: each system call that writes a warehouse fails once, in its own run.

    python -m bench.faults [--verb build,ingest] [--every N]

A warehouse with one build is published, a second build is there to be loaded and built. Then `tracemill
ingest` or `tracemill build` runs again and again on copies of it; in the n-th run the n-th call that writes
below the warehouse fails (faults.c, preloaded), with ENOSPC and with EIO. After each the warehouse has to
show the old state, and the exit code to be 2 or, where one input could not be stored, 1; or the fault was of
no consequence, the exit code is 0 and the new state shows. Where the folder cannot be synced, nor anything
else be done from then on, the new name cannot be taken back: the new state shows, and the exit code is 2.
All files have to be as they were written, and the next run has to lead to the new state. `tracemill compact`
changes no row that is shown: the files that are listed are the old ones or the new ones, and a failed
publication of the new ones ends with 2. What `retention` has committed and could not publish shows the old
rows, whose files stay, and ends with 2.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = Path(__file__).with_name("faults.c")
VERBS = ("ingest", "build", "retention", "compact")
ERRORS = (errno.ENOSPC, errno.EIO)
# The kind of the call to fail, its number among those of the kind, from 1; the error; whether all later ones
# fail too
Try = tuple[str, int, int, bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """One run with one fault. at: which call of its kind failed; stays: so did all after it.

    call: the kind, none where the run made no such call.
    """

    verb: str
    at: int
    error: str
    stays: bool
    call: str
    exit_code: int
    state: str
    damage: list[str]
    next_run: str

    @property
    def is_right(self) -> bool:
        """Whether what is promised held."""
        old = {1, 2} if self.verb == "ingest" else {2}
        codes = {"old": old, "new": {0}, "part": {1, 2}, "committed": {2}}
        if (
            self.stays and self.call == "fsync"
        ):  # of the folder: a new name on a disk that takes it back no more
            codes["new"] = {0, 2}
        if self.verb == "compact":  # committed and not published: both are the same rows
            codes["new"] = {0, 2}
        is_told = self.exit_code in codes.get(self.state, set())
        is_whole = self.state != "part" or self.verb == "ingest"
        return is_told and is_whole and not self.damage and self.next_run == "new"


def compiled(folder: Path) -> Path | None:
    """faults.c as a library; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "faults.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return library


def faults(
    library: Path, artifacts: Path, folder: Path, verb: str, choose: Callable[[list[str]], list[Try]]
) -> list[Fault]:
    """Run the verb once for each chosen fault; choose gets the calls that a run without one makes.

    artifacts: a folder with two builds, b1 and b2.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "bench.faults", "--driver", str(artifacts), str(folder), verb],
        env={**os.environ, "LD_PRELOAD": str(library)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        calls = json.loads(driver.stdout.readline())
        driver.stdin.write(json.dumps(choose(calls)) + "\n")
        driver.stdin.close()
        return [Fault(**json.loads(line)) for line in driver.stdout]


# --- in the driver, under the preloaded library ------------------------------------------------------------


def _drive(artifacts: Path, folder: Path, verb: str) -> None:
    """Print the calls of a run without fault; read which are to fail; print what came of each."""
    import duckdb  # noqa: F401 - so that each child need not
    import pyarrow.parquet  # noqa: F401

    from tracemill.flows import cli  # noqa: F401

    template = folder / f"template-{verb}"
    for first in ("ingest", "build"):
        assert _in_child(_verb, first, artifacts / "b1", template)[0] == 0
    if verb in {"build", "compact"}:
        assert _in_child(_verb, "ingest", artifacts, template)[0] == 0
    if verb == "compact":
        assert _in_child(_verb, "build", artifacts, template)[0] == 0
    old = _in_child(_state, template)
    root = _copy(template, folder / "try")
    exit_code, calls = _in_child(_verb, verb, artifacts, root)
    assert exit_code == 0
    new = _in_child(_state, root)
    assert old != new
    assert (old["shown"] == new["shown"]) == (verb == "compact")
    print(json.dumps(calls), flush=True)
    for kind, at, error, stays in json.loads(sys.stdin.readline()):
        root = _copy(template, folder / "try")
        exit_code, seen = _in_child(_verb, verb, artifacts, root, kind, at, error, stays)
        found = _in_child(_state, root)
        state = _compare(found, old, new)
        next_run = "new"
        if state != "old" or _names(root) != _names(template):  # else it begins where the first run did
            _in_child(_verb, verb, artifacts, root)
            next_run = _compare(_in_child(_state, root), old, new)
        call = kind if at <= seen.count(kind) else "none"
        fault = Fault(
            verb, at, errno.errorcode[error], stays, call, exit_code, state, found["damage"], next_run
        )
        print(json.dumps(asdict(fault)), flush=True)


def _names(root: Path) -> set[Path]:
    """All files of a warehouse."""
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file()}


def _compare(found: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> str:
    """Which state is found: old, new, committed, part or a mixture.

    committed: the new files are listed, and the old rows shown. part: some of the new inputs.
    """
    for name, shown, listed in (("new", new, new), ("old", old, old), ("committed", old, new)):
        if found["shown"] == shown["shown"] and all(found[p] == listed[p] for p in ("loaded", "files")):
            return name
    is_part = set(old["loaded"]) <= set(found["loaded"]) <= set(new["loaded"])
    shows_one_of_both = found["published"] == found["loaded"] or found["shown"] == old["shown"]
    return "part" if is_part and shows_one_of_both else "mixture"


def _verb(
    verb: str, artifacts: Path, root: Path, kind: str = "", at: int = 0, error: int = 0, stays: bool = False
) -> tuple[int, list[str]]:
    """Run a verb with a fault; its exit code, and the calls that it made."""
    from tracemill.flows.cli import main

    library = ctypes.CDLL(None)
    library.fault_seen.restype = ctypes.c_char_p
    arguments = [verb, "--warehouse", str(root)]
    if verb == "ingest":
        arguments += [str(artifacts), "--processes", "1"]
    if verb == "retention":
        arguments += ["--keep", "raw=1h", "--no-incidents", "--apply"]
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    library.fault_arm(str(root).encode(), kind.encode(), at, error, int(stays))
    try:
        main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, [library.fault_seen(n).decode() for n in range(1, library.fault_count() + 1)]


def _state(root: Path) -> dict[str, Any]:
    """What the warehouse shows and has loaded, and which of its files are not as they were written."""
    from tracemill.warehouse import connect
    from tracemill.warehouse.catalog import Catalog
    from tracemill.warehouse.durable import digest

    with connect(root) as connection:
        published = connection.execute("select capture_id from captures order by 1").fetchall()
        names = [name for (name,) in connection.execute("show tables").fetchall()]
        shown = {
            name: connection.execute(f'select count(*), bit_xor(hash(t)) from "{name}" t').fetchall()
            for name in names
            if name != "_published"
        }
    catalog = Catalog.load(root)
    return {
        "shown": shown,
        "published": [name for (name,) in published],
        "loaded": sorted(c.capture_id for c in catalog.captures.values()),
        "files": Counter(path.split("/")[1] for path in sorted(catalog.listed())),
        "damage": [p for p, f in catalog.files.items() if digest(root / p) != (f.size_bytes, f.sha256)],
    }


def _in_child(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - JSON
    """What the function returns in a process of its own, which has all modules at once."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ours)
            with os.fdopen(theirs, "w") as pipe:
                json.dump(function(*arguments), pipe)
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:
        raise RuntimeError(f"{function.__name__}{arguments} ended without a word")
    return json.loads(said)


def _copy(template: Path, root: Path) -> Path:
    """A copy of a warehouse; its Parquet, which nobody changes, by links."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root, ignore=shutil.ignore_patterns("tables"))
    shutil.copytree(template / "tables", root / "tables", copy_function=os.link)
    return root


# --- the table ---------------------------------------------------------------------------------------------


def table(found: list[Fault]) -> Iterator[str]:
    """Lines of Markdown: for each verb, call and error, how many faults, and what came of them."""
    yield "| verb | call | error | faults | old, exit 2 | input failed, exit 1 | no consequence | wrong |"
    yield "|---|---|---|---|---|---|---|---|"
    groups: dict[tuple[str, str, str], Counter[str]] = {}
    for fault in found:
        error = fault.error + (", and all after" if fault.stays else "")
        outcome = {2: "old", 1: "failed", 0: "none"}.get(fault.exit_code, "wrong")
        count = groups.setdefault((fault.verb, fault.call, error), Counter())
        count[outcome if fault.is_right else "wrong"] += 1
    for key, count in sorted(groups.items()):
        cells = [count.total(), count["old"], count["failed"], count["none"], count["wrong"]]
        yield f"| {' | '.join(map(str, [*key, *cells]))} |"


def every(calls: list[str], step: int) -> Iterator[Try]:
    """Each step-th call, once with each error; with one of them the disk stays as it is then."""
    for index, (kind, at) in enumerate(numbered(calls)[::step]):
        yield kind, at, ERRORS[index % 2], False
        yield kind, at, ERRORS[(index + 1) % 2], True


def numbered(calls: list[str]) -> list[tuple[str, int]]:
    """Each call with its number among those of its kind, from 1."""
    count: Counter[str] = Counter()
    found = []
    for kind in calls:
        count[kind] += 1
        found.append((kind, count[kind]))
    return found


def artifacts_of_two_builds(folder: Path) -> Path:
    """Two builds of one run each, with real profiles."""
    samples = Path(__file__).parent.parent / "tests/samples/pprof"
    for build, version, day in (("b1", "go1.24", 1), ("b2", "go1.27", 2)):
        (folder / build / "1").mkdir(parents=True)
        for name in ("heap", "mutex"):
            shutil.copy(samples / version / f"{name}.pb.gz", folder / build / "1")
        (folder / build / "build.json").write_text(f'{{"committed_at": "2026-01-0{day}T00:00:00Z"}}')
    return folder


def main() -> None:
    """Print the table; exit code 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verb", default=",".join(VERBS))
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th call")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        library = compiled(folder)
        if library is None:
            sys.exit("no C compiler on the PATH, so no fault can be made")
        artifacts = artifacts_of_two_builds(folder / "artifacts")
        found = [
            fault
            for verb in options.verb.split(",")
            for fault in faults(
                library, artifacts, folder, verb, lambda calls: list(every(calls, options.every))
            )
        ]
    print("\n".join(table(found)))
    for fault in found:
        if not fault.is_right:
            print(fault)
    sys.exit(any(not fault.is_right for fault in found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--driver"]:
        _drive(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    else:
        main()
