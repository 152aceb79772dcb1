"""The core runs on what its own lock has: the main job, the gate, SQL, exports, all without Prefect."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent

# Refuses every module that comes from a package outside the lock, then calls verbs in this process.
RUN = """
import importlib.metadata, re, sys
locked = set(sys.argv[1].split(","))
def norm(name): return re.sub(r"[-_.]+", "-", name).lower()
owners = importlib.metadata.packages_distributions()
refused = {m for m, packages in owners.items() if not {norm(p) for p in packages} & locked}
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is not in the core's lock", name=name)
sys.meta_path.insert(0, Refuse())
from click.testing import CliRunner
from tracemill.flows.cli import main
for arguments in sys.argv[2:]:
    done = CliRunner().invoke(main, arguments.split("\\t"))
    assert "Traceback" not in done.output and "core's lock" not in done.output, done.output
    print(arguments.split("\\t")[0], done.exit_code)
"""


def test_the_core_runs_on_what_its_lock_has(artifacts: Path, tmp_path: Path) -> None:
    locked = re.findall(r"^([\w.-]+)==", (TOP / ".ci/core.lock").read_text(), re.MULTILINE)
    assert "pyarrow" in locked
    assert "prefect" not in locked
    root = ("--warehouse", str(tmp_path / "w"))
    verbs = [
        ("run", str(artifacts), *root),
        ("regressions", *root),
        ("gate", "--candidate", "b2", *root),
        ("sql", "from builds", *root),
        ("export", str(tmp_path / "e"), "--format", "csv,parquet,json,md,openmetrics", *root),
        ("report", str(tmp_path / "r.html"), *root),
        ("builds", *root),
        ("doctor", *root),
        ("verify", *root),
    ]
    done = subprocess.run(
        [sys.executable, "-c", RUN, ",".join(["tracemill", *locked]), *("\t".join(v) for v in verbs)],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes = dict(line.split() for line in done.stdout.splitlines())
    # Two builds are too few to judge; all else is done.
    assert codes == {verb[0]: "2" if verb[0] in ("run", "gate") else "0" for verb in verbs}
