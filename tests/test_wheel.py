"""The wheel is the whole product: installed elsewhere, beside anybody's folders, it does the main job."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent


@pytest.mark.full
def test_the_wheel_runs_the_main_job_beside_packages_of_the_same_names(
    artifacts: Path, tmp_path: Path
) -> None:
    def run(*command: object, ends: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(c) for c in command],
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )
        assert done.returncode == ends, done.stderr
        return done

    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run("git", "-C", TOP, "checkout-index", "--all", f"--prefix={tmp_path}/source/")
    run(*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path / "wheels", tmp_path / "source")
    (wheel,) = (tmp_path / "wheels").glob("tracemill-*.whl")
    run(*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel)
    # A user's own folders by the names of our parts come first on his path.
    for name in ("flows", "parsers", "sql", "warehouse", "detection"):
        (tmp_path / "user" / name).mkdir(parents=True)
        (tmp_path / "user" / name / "__init__.py").write_text("raise ImportError('a folder of the user')\n")
    site = tmp_path / "site"
    # The dependencies come from this environment, whose editable install PYTHONPATH does not follow.
    paths = os.pathsep.join([str(tmp_path / "user"), str(site), sysconfig.get_path("purelib")])
    options = {"cwd": tmp_path / "user", "env": {"PATH": os.environ["PATH"], "PYTHONPATH": paths}}
    assert {p.name for p in site.iterdir() if p.suffix != ".dist-info"} == {"tracemill", "bin"}
    assert (site / "tracemill/py.typed").is_file()
    where = run(sys.executable, "-S", "-c", "import tracemill; print(tracemill.__file__)", **options)
    assert where.stdout.strip() == str(site / "tracemill/__init__.py")
    for command in ([site / "bin/tracemill"], ["-m", "tracemill"]):
        warehouse = tmp_path / f"warehouse-{len(command)}"
        job = [*command, "run", artifacts, "--warehouse", warehouse]
        done = run(sys.executable, "-S", *job, ends=2, **options)
        assert "loaded 12 captures" in done.stdout
        assert "nothing was judged" in done.stdout.lower(), "two builds are no history"
    compiled = run(
        sys.executable, "-S", "-c",
        "from tracemill.parsers import kernels; from pathlib import Path; p = Path(kernels.__file__).parent\n"
        "made = {f.name.partition('.')[0] for f in p.glob('*.so')}\n"
        "print({f.stem for f in p.glob('*.py')} - made - {'__init__', 'layout'})",
        **options,
    )  # fmt: skip
    assert compiled.stdout.strip() == "set()", "a kernel was not compiled into the wheel"
