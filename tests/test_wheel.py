"""The wheel is the whole product: installed elsewhere, away from the checkout, it does the main job."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

TOP = Path(__file__).parent.parent


def test_the_wheel_runs_the_main_job_outside_the_checkout(artifacts: Path, tmp_path: Path) -> None:
    def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(c) for c in command],
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )
        assert done.returncode == 0, done.stderr
        return done

    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run("git", "-C", TOP, "checkout-index", "--all", f"--prefix={tmp_path}/source/")
    run(*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path / "wheels", tmp_path / "source")
    (wheel,) = (tmp_path / "wheels").glob("tracemill-*.whl")
    run(*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel)
    # The dependencies come from this environment, whose editable install PYTHONPATH does not follow.
    paths = os.pathsep.join([str(tmp_path / "site"), sysconfig.get_path("purelib")])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths}
    options = {"cwd": tmp_path, "env": environment}
    where = run(
        sys.executable, "-S", "-c", "import flows, sql; print(flows.__file__, list(sql.__path__))", **options
    )
    assert str(TOP) not in where.stdout
    done = run(
        sys.executable, "-S", tmp_path / "site/bin/tracemill", "run", artifacts, "--warehouse", "w", **options
    )
    assert "loaded 12 captures" in done.stdout
    compiled = run(
        sys.executable, "-S", "-c",
        "from parsers import kernels; from pathlib import Path; p = Path(kernels.__file__).parent\n"
        "made = {f.name.partition('.')[0] for f in p.glob('*.so')}\n"
        "print({f.stem for f in p.glob('*.py')} - made - {'__init__', 'layout'})",
        **options,
    )  # fmt: skip
    assert compiled.stdout.strip() == "set()", "a kernel was not compiled into the wheel"
